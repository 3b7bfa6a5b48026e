import ArgumentParser

/// What docker and podman have and `run` has not. It is taken, so that the refusal can say what does it here.
struct ForeignRunOptions: ParsableArguments {
    @Option(help: .hidden) var restart: String?
    @Flag(name: .customLong("init"), help: .hidden) var reaper = false
    @Option(name: [.long, .customLong("tmpfs")], help: .hidden) var mount: String?
    @Option(name: [.long, .customLong("gpus")], help: .hidden) var device: String?
    @Option(help: .hidden) var ulimit: String?
    @Option(help: .hidden) var securityOpt: String?
    @Option(
        name: [.long, .customLong("ipc"), .customLong("uts"), .customLong("userns"), .customLong("cgroupns")],
        help: .hidden)
    var pid: String?
    @Option(name: [.long, .customLong("dns"), .customLong("link")], help: .hidden) var addHost: String?
    @Option(name: [.short, .long], help: .hidden) var label: String?
    @Option(help: .hidden) var healthCmd: String?
    @Flag(name: [.customShort("P"), .long], help: .hidden) var publishAll = false

    func validate() throws {
        let refusals = [
            (
                restart != nil, "--restart",
                "nothing starts it again; what is to come back is a pod (kubectl create deployment), or has a service of "
                    + "systemd's that calls `swiftlet run`"
            ),
            (
                reaper, "--init",
                "the program is process 1 itself; an image can bring one that collects others, such as tini"
            ),
            (mount != nil, "--mount and --tmpfs", "write --volume /HERE:/THERE; a directory in /dev/shm is in memory"),
            (device != nil, "--device and --gpus", "--privileged gives all devices, and a pod those that it asks for"),
            (ulimit != nil, "--ulimit", "the program can lower its own: sh -c 'ulimit -n 1024; exec PROGRAM'"),
            (
                securityOpt != nil, "--security-opt",
                "the default profiles hold, and with --privileged none; --cap-add and --cap-drop are there"
            ),
            (
                pid != nil, "--pid, --ipc, --uts, --userns and --cgroupns",
                "its namespaces are its own, but for --network host; a pod can share more"
            ),
            (
                addHost != nil, "--add-host, --dns and --link",
                "--volume ./hosts:/etc/hosts:ro gives it names, and /etc/resolv.conf likewise"
            ),
            (label != nil, "--label", "it has a --name alone"),
            (healthCmd != nil, "--health-cmd", "`swiftlet exec NAME COMMAND` asks it; a pod has probes"),
            (publishAll, "--publish-all", "name each port: --publish PORT-HERE:PORT-THERE"),
        ]
        for (isGiven, names, wayOut) in refusals where isGiven {
            throw ValidationError("`swiftlet run` has no \(names): \(wayOut)")
        }
    }
}

/// The same for `exec`.
struct ForeignExecOptions: ParsableArguments {
    @Option(name: [.short, .long], help: .hidden) var env: String?
    @Option(name: [.short, .long], help: .hidden) var workdir: String?
    @Option(name: [.short, .long], help: .hidden) var user: String?
    @Flag(name: [.short, .long], help: .hidden) var detach = false

    func validate() throws {
        let refusals = [
            (env != nil, "--env", "write swiftlet exec NAME env A=B COMMAND"),
            (workdir != nil, "--workdir", "write swiftlet exec NAME sh -c 'cd DIRECTORY && COMMAND'"),
            (
                user != nil, "--user",
                "the command runs as whom the container does; write swiftlet exec NAME su USER -c COMMAND"
            ),
            (detach, "--detach", "write swiftlet exec NAME sh -c 'COMMAND >/dev/null 2>&1 &'"),
        ]
        for (isGiven, name, wayOut) in refusals where isGiven {
            throw ValidationError("`swiftlet exec` has no \(name): \(wayOut)")
        }
    }
}
