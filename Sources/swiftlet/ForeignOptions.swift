import ArgumentParser

/// What docker and podman have and `run` has not. It is taken, so that the refusal can say what does it here.
struct ForeignRunOptions: ParsableArguments {
    @Option(help: .hidden) var gpus: String?
    @Option(help: .hidden) var userns: String?
    @Option(name: [.customLong("uts"), .long], help: .hidden) var cgroupns: String?
    @Option(name: [.long, .customLong("network-alias")], help: .hidden) var link: String?
    @Option(name: [.customLong("ip"), .long, .customLong("mac-address")], help: .hidden) var ip6: String?
    @Option(
        name: [
            .customLong("health-cmd"), .customLong("health-interval"), .customLong("health-retries"),
            .customLong("health-start-period"), .customLong("health-timeout"),
        ], help: .hidden)
    var health: String?
    /// Nothing looks after one.
    @Flag(help: .hidden) var noHealthcheck = false
    @Flag(name: [.customShort("P"), .long], help: .hidden) var publishAll = false
    @Option(help: .hidden) var expose: String?
    @Option(name: [.long, .customLong("volume-driver")], help: .hidden) var volumesFrom: String?
    @Option(name: [.customLong("log-driver"), .long], help: .hidden) var logOpt: String?
    @Option(name: [.customShort("a"), .long], help: .hidden) var attach: String?
    @Option(help: .hidden) var detachKeys: String?
    @Option(name: [.long, .customLong("memory-swappiness")], help: .hidden) var memoryReservation: String?
    @Option(
        name: [
            .long, .customLong("blkio-weight-device"), .customLong("device-read-bps"), .customLong("device-write-bps"),
            .customLong("device-read-iops"), .customLong("device-write-iops"),
        ], help: .hidden)
    var blkioWeight: String?
    @Flag(help: .hidden) var oomKillDisable = false
    @Option(help: .hidden) var cgroupParent: String?
    @Option(help: .hidden) var runtime: String?
    @Option(help: .hidden) var storageOpt: String?
    @Option(help: .hidden) var labelFile: String?
    @Option(help: .hidden) var pod: String?
    @Flag(help: .hidden) var replace = false
    @Option(help: .hidden) var timeout: String?
    @Option(help: .hidden) var umask: String?
    @Option(help: .hidden) var tz: String?
    @Option(help: .hidden) var sigProxy: String?
    @Option(help: .hidden) var disableContentTrust: String?
    @Option(help: .hidden) var tlsVerify: String?
    @Option(help: .hidden) var domainname: String?
    @Option(help: .hidden) var deviceCgroupRule: String?
    @Option(name: [.long, .customLong("cpu-rt-runtime")], help: .hidden) var cpuRtPeriod: String?
    @Option(help: .hidden) var kernelMemory: String?
    @Option(help: .hidden) var systemd: String?
    @Flag(help: .hidden) var noHosts = false
    @Option(help: .hidden) var secret: String?

    /// Each where it is given: its names, and what does it here.
    private var refusals: [(isGiven: Bool, names: String, wayOut: String)] {
        [
            (gpus != nil, "--gpus", "--device VENDOR/CLASS=DEVICE gives what files in /etc/cdi describe"),
            (
                userns.map { !["host", ""].contains($0) } ?? false, "--userns",
                "its users are the machine's; a pod with hostUsers: false has its own"
            ),
            (
                cgroupns.map { !["private", ""].contains($0) } ?? false, "--uts and --cgroupns",
                "both are its own; with --network host it has the machine's name too"
            ),
            (
                link != nil, "--link and --network-alias",
                "containers have no names in each other's eyes; those of one pod are localhost to each other"
            ),
            (
                ip6 != nil, "--ip, --ip6 and --mac-address",
                "addresses are given out by the node; --publish leads a port of the machine to it"
            ),
            (health != nil, "--health-cmd", "`swiftlet exec NAME COMMAND` asks it; a pod has probes"),
            (publishAll, "--publish-all", "name each port: --publish PORT-HERE:PORT-THERE"),
            (expose != nil, "--expose", "every port of it is reachable at its address; --publish gives it one of ours"),
            (volumesFrom != nil, "--volumes-from and --volume-driver", "give each the same --volume /HERE:/THERE"),
            (
                logOpt != nil, "--log-driver and --log-opt",
                "what a detached container writes is kept until `swiftlet rm`, and `swiftlet logs` shows it"
            ),
            (attach != nil, "--attach", "without --detach it is joined to both outputs; --interactive adds the input"),
            (
                detachKeys != nil, "--detach-keys",
                "--detach lets it go on alone from the start, and `swiftlet attach` joins it"
            ),
            (
                memoryReservation != nil, "--memory-reservation and --memory-swappiness",
                "--memory is its limit; a pod can ask for memory"
            ),
            (blkioWeight != nil, "limits of its disks' speed", "nothing bounds that here"),
            (oomKillDisable, "--oom-kill-disable", "--oom-score-adj -1000 lets the kernel end others first"),
            (cgroupParent != nil, "--cgroup-parent", "all containers are beneath the node's own group"),
            (runtime != nil, "--runtime", "there is one; podman --runtime swiftlet-oci has others too"),
            (storageOpt != nil, "--storage-opt", "what it writes is bounded by the disk; a pod can have a limit"),
            (labelFile != nil, "--label-file", "give each as --label NAME=VALUE"),
            (pod != nil, "--pod", "containers that belong together are a pod of Kubernetes': `kubectl apply`"),
            (replace, "--replace", "`swiftlet rm --force NAME` takes the old one away"),
            (timeout != nil, "--timeout", "write timeout SECONDS swiftlet run ..."),
            (umask != nil, "--umask", "the program can set its own: sh -c 'umask 027; exec PROGRAM'"),
            (tz != nil, "--tz", "--env TZ=ZONE says so to most programs"),
            (sigProxy != nil, "--sig-proxy=false", "--detach keeps signals from it; `swiftlet logs --follow` hears it"),
            (disableContentTrust != nil, "--disable-content-trust=false", "signatures of images are not looked at"),
            (tlsVerify != nil, "--tls-verify=false", "the daemon's setting `registries` names those without TLS"),
            (domainname != nil, "--domainname", "--hostname takes a whole name"),
            (deviceCgroupRule != nil, "--device-cgroup-rule", "--device gives each with what may be done with it"),
            (cpuRtPeriod != nil, "--cpu-rt-period and --cpu-rt-runtime", "cgroup v2 has no such limits"),
            (kernelMemory != nil, "--kernel-memory", "--memory counts the kernel's too"),
            (
                systemd.map { $0 != "false" } ?? false, "--systemd",
                "nothing is set up for a systemd in it; podman --runtime swiftlet-oci does that"
            ),
            (noHosts, "--no-hosts", "--volume /FILE:/etc/hosts:ro puts another in the place of ours"),
            (secret != nil, "--secret", "--volume /FILE:/run/secrets/NAME:ro gives it a file"),
        ]
    }

    func validate() throws {
        for (isGiven, names, wayOut) in refusals where isGiven {
            throw ValidationError("`swiftlet run` has no \(names): \(wayOut)")
        }
    }
}
