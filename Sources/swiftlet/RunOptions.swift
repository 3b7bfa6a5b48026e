import ArgumentParser
import Daemon

/// What a container of `run` may use.
struct RunLimitOptions: ParsableArguments {
    @Option(name: [.short, .long], help: "Memory limit, such as 256m.") var memory: String?
    @Option(parsing: .unconditional, help: "The same with swap; -1: as much swap as there is (default: none).")
    var memorySwap: String?
    @Option(help: "Processor limit, such as 1.5.") var cpus: String?
    @Option(name: [.customShort("c"), .long], help: "Weight among others that want the processors; 1024 is usual.")
    var cpuShares: Int64?
    @Option(parsing: .unconditional, help: .hidden) var cpuQuota: Int64?
    @Option(help: .hidden) var cpuPeriod: Int64?
    @Option(help: "Processors that it may use, such as 0-2,4.") var cpusetCpus: String?
    @Option(help: "Memory nodes that it may use.") var cpusetMems: String?
    @Option(parsing: .unconditional, help: "How many processes; -1: as many as the machine has.") var pidsLimit: Int64?
    @Option(help: "Of each process: NAME=SOFT:HARD, such as nofile=1024:4096; again for more.")
    var ulimit: [String] = []
    @Option(help: "The size of /dev/shm (default: 64m).") var shmSize: String?
    @Option(parsing: .unconditional, help: "-1000 to 1000: whom the kernel ends first when memory is short.")
    var oomScoreAdj: Int32?

    /// Nil for 0 too, which elsewhere is as if nothing were said.
    private func given(_ text: String?) -> String? { text == "0" ? nil : text }

    func apply(to spec: inout RunSpec) throws(DaemonError) {
        spec.resources.memoryLimit = try given(memory).map { text throws(DaemonError) in try RunSpec.bytes(text) }
        spec.resources.cpuLimit = try given(cpus).map { text throws(DaemonError) in try RunSpec.processors(text) }
        try spec.limitTime(shares: cpuShares, quota: cpuQuota, period: cpuPeriod)
        if let memorySwap = given(memorySwap) { try spec.limitSwap(memorySwap) }
        (spec.resources.cpuSet, spec.resources.memoryNodes) = (cpusetCpus ?? "", cpusetMems ?? "")
        spec.resources.processLimit = pidsLimit.flatMap { $0 > 0 ? $0 : nil }
        for text in ulimit { spec.processLimits.append(try RunSpec.limit(text)) }
        spec.sharedMemory = try given(shmSize).map { text throws(DaemonError) in
            try RunSpec.bytes(text, of: "--shm-size")
        }
        if let oomScoreAdj {
            guard (-1_000...1_000).contains(oomScoreAdj) else {
                throw DaemonError("--oom-score-adj takes -1000 to 1000")
            }
            spec.resources.oomScoreAdjustment = oomScoreAdj
        }
    }
}

/// Whom it runs as, and what it may do.
struct RunRightOptions: ParsableArguments {
    @Option(name: [.short, .long], help: "Whom it runs as: a name or number, with :GROUP.") var user = ""
    @Option(help: "A group more, by name or number; again for more.") var groupAdd: [String] = []
    @Option(help: "A capability more, such as NET_ADMIN; again for more, ALL for all.") var capAdd: [String] = []
    @Option(help: "A capability less; again for more, ALL for all.") var capDrop: [String] = []
    @Flag(help: "All that root on this machine may do.") var privileged = false
    @Option(
        help: "no-new-privileges, seccomp=unconfined or =PROFILE.json, apparmor=unconfined or =PROFILE; again for more."
    )
    var securityOpt: [String] = []
    @Option(help: "A parameter of the kernel's for its network or its shared memory, NAME=VALUE; again for more.")
    var sysctl: [String] = []
    @Option(help: "/dev/HERE, with :/dev/THERE and :rwm after it, or VENDOR/CLASS=DEVICE; again for more.")
    var device: [String] = []
    @Option(help: "host: it sees the machine's processes.") var pid: String?
    @Option(help: "host: it uses the machine's shared memory.") var ipc: String?
    @Flag(name: .customLong("init"), help: "Its program is not process 1, which collects those without parents.")
    var hasReaper = false

    func apply(to spec: inout RunSpec) throws(DaemonError) {
        (spec.user, spec.groups) = (user, groupAdd)
        spec.confinement.isPrivileged = privileged
        (spec.confinement.addCapabilities, spec.confinement.dropCapabilities) = (capAdd, capDrop)
        for option in securityOpt { try spec.confinement.take(option, from: WorkingDirectory.path) }
        for text in sysctl {
            let (name, value) = try RunSpec.assignment(text, of: "--sysctl")
            spec.sysctls[name] = value
        }
        for text in device { try spec.take(device: text) }
        try spec.see(pid, hasReaper: hasReaper)
        try spec.share(ipc: ipc)
        guard spec.ipc == .pod || spec.sharedMemory == nil else {
            throw DaemonError("--shm-size: with --ipc host its shared memory is the machine's")
        }
    }
}

/// Its network.
struct RunNetworkOptions: ParsableArguments {
    @Option(name: [.short, .long], help: "PORT-HERE:PORT-THERE, with /udp for UDP; again for more.")
    var publish: [String] = []
    @Option(
        name: [.long, .customLong("net")], help: "pod: an address of its own; host: the machine's network; none.")
    var network = RunSpec.Network.pod
    @Option(name: [.short, .long], help: "Its host name (default: its name).") var hostname = ""
    @Option(help: "NAME:ADDRESS for its /etc/hosts, or NAME:host-gateway for this machine; again for more.")
    var addHost: [String] = []
    @Option(help: "A name server in place of the machine's; again for more.") var dns: [String] = []
    @Option(help: "A domain that short names are looked up in; again for more, . for none.") var dnsSearch: [String] =
        []
    @Option(name: [.long, .customLong("dns-opt")], help: "An option of resolv.conf(5); again for more.")
    var dnsOption: [String] = []

    func apply(to spec: inout RunSpec) throws(DaemonError) {
        for text in publish { spec.ports.append(try RunSpec.port(text)) }
        try RunSpec.check(ports: spec.ports)
        guard spec.ports.isEmpty || network == .pod else {
            throw DaemonError(
                "--publish needs --network pod: on the host's network its ports are the machine's already")
        }
        guard hostname.isEmpty || network != .host else {
            throw DaemonError("--hostname: with --network host it has the machine's name")
        }
        (spec.network, spec.hostname) = (network, hostname)
        for text in addHost { spec.hosts.append(try RunSpec.host(text)) }
        guard network != .none || !spec.hosts.contains(where: { $0.address == "host-gateway" }) else {
            throw DaemonError("--add-host: with --network none it does not reach this machine")
        }
        for server in dns { try RunSpec.check(address: server, of: "--dns") }
        (spec.dns.servers, spec.dns.searches, spec.dns.options) = (dns, dnsSearch, dnsOption)
    }
}

extension RunSpec.Network: ExpressibleByArgument {
    /// What others call an address of its own is taken too.
    public init?(argument: String) {
        self.init(rawValue: argument == "bridge" ? "pod" : argument)
    }
}
