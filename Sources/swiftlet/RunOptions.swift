import ArgumentParser
import Daemon

/// What a container of `run` may use.
struct RunLimitOptions: ParsableArguments {
    @Option(name: [.short, .long], parsing: .unconditional, help: "Memory limit, such as 256m.") var memory: String?
    @Option(parsing: .unconditional, help: "Memory plus swap limit; -1: unlimited swap (default: no swap).")
    var memorySwap: String?
    @Option(parsing: .unconditional, help: "Number of CPUs, such as 1.5.") var cpus: String?
    @Option(
        name: [.customShort("c"), .long], parsing: .unconditional,
        help: "CPU weight relative to other containers; 1024 is the usual one.")
    var cpuShares: Int64?
    @Option(parsing: .unconditional, help: .hidden) var cpuQuota: Int64?
    @Option(parsing: .unconditional, help: .hidden) var cpuPeriod: Int64?
    @Option(help: "CPUs it may use, such as 0-2,4.") var cpusetCpus: String?
    @Option(help: "NUMA memory nodes it may use.") var cpusetMems: String?
    @Option(parsing: .unconditional, help: "Process limit; -1: the machine's.") var pidsLimit: Int64?
    @Option(help: "NAME=SOFT:HARD, such as nofile=1024:4096; repeatable.")
    var ulimit: [String] = []
    @Option(parsing: .unconditional, help: "Size of /dev/shm (default: 64m).") var shmSize: String?
    @Option(parsing: .unconditional, help: "-1000 to 1000; the highest is OOM-killed first.")
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
    @Option(name: [.short, .long], help: "USER[:GROUP], by name or number.") var user = ""
    @Option(help: "Supplementary group, by name or number; repeatable.") var groupAdd: [String] = []
    @Option(help: "Add a capability, such as NET_ADMIN, or ALL; repeatable.") var capAdd: [String] = []
    @Option(help: "Drop a capability, or ALL; repeatable.") var capDrop: [String] = []
    @Flag(help: "All capabilities and devices, no confinement.") var privileged = false
    @Option(
        help: "no-new-privileges, seccomp=unconfined or =PROFILE.json, apparmor=unconfined or =PROFILE; repeatable."
    )
    var securityOpt: [String] = []
    @Option(help: "NAME=VALUE, of the network or IPC namespace; repeatable.")
    var sysctl: [String] = []
    @Option(help: "HOST-DEVICE[:CONTAINER-DEVICE][:rwm], or VENDOR/CLASS=DEVICE (CDI); repeatable.")
    var device: [String] = []
    @Option(help: "host: the machine's PID namespace.") var pid: String?
    @Option(help: "host: the machine's IPC namespace.") var ipc: String?
    @Flag(name: .customLong("init"), help: "Run an init as PID 1 that reaps zombies.")
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
    @Option(name: [.short, .long], help: "HOST-PORT:CONTAINER-PORT[/udp]; repeatable.")
    var publish: [String] = []
    @Option(
        name: [.long, .customLong("net")], help: "pod (or bridge): an address of its own; host; none.")
    var network = RunSpec.Network.pod
    @Option(name: [.short, .long], help: "Host name (default: the container's name).") var hostname = ""
    @Option(help: "NAME:ADDRESS for /etc/hosts, or NAME:host-gateway for this machine; repeatable.")
    var addHost: [String] = []
    @Option(help: "Name server, in place of the machine's; repeatable.") var dns: [String] = []
    @Option(help: "Search domain; repeatable, . for none.") var dnsSearch: [String] =
        []
    @Option(name: [.long, .customLong("dns-opt")], help: "Option of resolv.conf(5); repeatable.")
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
