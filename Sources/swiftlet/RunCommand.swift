import ArgumentParser
import CRI
import Daemon
import Glibc
import JSONTree

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run one container, without Kubernetes.",
        discussion:
            "swiftlet run -it busybox sh. Input, output, signals and the terminal's size are forwarded. The container is removed when it exits, and its exit code "
            + "is this command's: 125 where it was not created or the arguments are wrong, 126 and 127 as in a shell.\n\n"
            + "With --detach it keeps running, also when the daemon restarts; after it exits it stays until the next boot. swiftlet logs, attach, exec, wait, "
            + "kill, stop, start, restart and rm take its name, which is printed.\n\n"
            + "--restart starts it again, after 100 ms and then twice as long each time, at most a minute, and from the beginning once it has run for 10 s. What was "
            + "stopped or killed by hand stays so, also when the daemon restarts. No container outlives a boot: what is to come back then is a pod, or has a service "
            + "of systemd's that calls swiftlet run.",
        helpNames: .long)

    @OptionGroup var node: NodeOptions
    @OptionGroup var foreign: ForeignRunOptions
    @Flag(name: [.customShort("i"), .long], help: "Keep standard input open.") var interactive = false
    @Flag(name: [.customShort("t"), .long], help: "Allocate a terminal.") var tty = false
    @Flag(name: [.short, .long], help: "Run in the background; print the container's name.") var detach = false
    @Flag(help: "Remove the container when it exits; always so without --detach.") var rm = false
    @Option(help: "With --detach, when to start it again: no, on-failure[:TIMES], always, unless-stopped.")
    var restart = RestartPolicy.no
    @Option(help: "Container name (default: random).") var name: String?
    @Option(
        name: [.short, .long], parsing: .unconditionalSingleValue,
        help: "Environment variable NAME=VALUE, or NAME for this command's own; repeatable.")
    var env: [String] = []
    @Option(help: "File of such lines; repeatable.") var envFile: [String] = []
    @Option(name: [.short, .long], help: "HOST-PATH:CONTAINER-PATH[:ro]; HOST-PATH is absolute or ./...; repeatable.")
    var volume: [String] = []
    @Option(help: "CONTAINER-PATH[:OPTIONS], such as /tmp:size=64m; repeatable.")
    var tmpfs: [String] = []
    @Option(help: "type=bind,source=PATH,target=PATH[,readonly] or type=tmpfs,target=PATH; repeatable.")
    var mount: [String] = []
    @Option(name: [.short, .long], help: "Working directory.") var workdir = ""
    @Option(help: "Override the image's entry point; empty: none.") var entrypoint: String?
    @Flag(help: "Mount the root filesystem read-only.") var readOnly = false
    @Option(
        name: [.short, .long], parsing: .unconditionalSingleValue,
        help: "Label NAME=VALUE, shown by swiftlet inspect; repeatable.")
    var label: [String] = []
    @Option(parsing: .unconditionalSingleValue, help: "Annotation NAME=VALUE; repeatable.") var annotation: [String] =
        []
    @Option(help: "Signal that stops it (default: the image's, else TERM).") var stopSignal: String?
    @Option(parsing: .unconditional, help: "Seconds until it is killed; -1: never (default: 10).")
    var stopTimeout: Int64?
    @Option(help: "When to pull the image: missing, always or never.") var pull = PullPolicy.missing
    @Flag(name: [.short, .long], help: "Print no progress of a pull.") var quiet = false
    @Option(help: "Write the container's ID to this new file.") var cidfile: String?
    @Option(help: "OS/ARCHITECTURE; must be this machine's.") var platform: String?
    @OptionGroup(title: "Network") var network: RunNetworkOptions
    @OptionGroup(title: "Limits") var limits: RunLimitOptions
    @OptionGroup(title: "Security") var rights: RunRightOptions
    @Argument(help: "Image name.") var image: String
    @Argument(parsing: .captureForPassthrough, help: "Command and arguments, in place of the image's.") var command:
        [String] = []

    enum PullPolicy: String, ExpressibleByArgument, CaseIterable {
        case missing, always, never
    }

    func validate() throws {
        do throws(DaemonError) { _ = try spec(readsFiles: false) } catch { throw ValidationError(error.description) }
    }

    func run() async throws {
        let code = try await RunSession.code(of: session, failed: { Output.error("swiftlet: \($0)\n") })
        throw ExitCode(code)
    }

    private func session() async throws -> Int32 {
        let client = try node.client()
        let signals = PassedSignals()
        let listening = Task { await signals.listen() }
        defer { listening.cancel() }
        let spec = try spec(readsFiles: true)
        if pull == .always || pull == .missing, try await isToBeFetched(client) {
            try await Progress.show("/v1/images/pull", ["name": .string(image)], node, isSilent: quiet) { _ in }
        }
        if tty && !spec.hasTerminal { Output.noteNoTerminal() }
        let file = try cidfile.map { path throws(DaemonError) in try IDFile(path) }
        defer { file?.removeEmpty() }
        let code = try await RunSession(spec, signals: signals).run(client) { container throws(DaemonError) in
            try file?.write(container)
        }
        if spec.isDetached && code == 0 { Output.write(spec.name + "\n") }
        return code
    }

    /// Says where it is so because the image is not here.
    private func isToBeFetched(_ client: NodeClient) async throws -> Bool {
        if pull == .always { return true }
        guard try await client.hasImage(image) == false else { return false }
        if !quiet { Output.note("image \(image) is not on this node: it is pulled") }
        return true
    }

    /// - Parameter readsFiles: once alone, since they may be pipes.
    private func spec(readsFiles: Bool) throws(DaemonError) -> RunSpec {
        var spec = RunSpec(name: name ?? Self.anyName(), image: image)
        try RunSpec.check(name: spec.name)
        try spec.execute(command.first == "--" ? Array(command.dropFirst()) : command, entryPoint: entrypoint)
        for path in readsFiles ? envFile : [] {
            spec.environment += try RunSpec.variables(inFile: path, caller: Self.environment)
        }
        for text in env {
            if let variable = try RunSpec.variable(text, caller: Self.environment) { spec.environment.append(variable) }
        }
        for text in volume { spec.mounts.append(try RunSpec.mount(text, from: WorkingDirectory.path)) }
        for text in tmpfs { spec.mounts.append(try RunSpec.memory(text)) }
        for text in mount { spec.mounts.append(try RunSpec.mount(fields: text, from: WorkingDirectory.path)) }
        try network.apply(to: &spec)
        try limits.apply(to: &spec)
        try rights.apply(to: &spec)
        for text in label {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            spec.labels[String(parts[0])] = parts.count == 2 ? String(parts[1]) : ""
        }
        for text in annotation {
            let (name, value) = try RunSpec.assignment(text, of: "--annotation")
            spec.annotations[name] = value
        }
        if let platform { try RunSpec.check(platform: platform) }
        if let stopSignal { try RunSpec.check(signal: stopSignal) }
        (spec.stopSignal, spec.grace) = (stopSignal, stopTimeout.map { $0 < 0 ? .max : UInt32(clamping: $0) })
        (spec.workingDirectory, spec.hasReadOnlyRoot) = (workdir, readOnly)
        (spec.hasInput, spec.hasTerminal) = (interactive, tty && (detach || Output.hasTerminal(for: interactive)))
        (spec.isDetached, spec.isRemovedAtEnd, spec.restart) = (detach, detach && rm, restart)
        guard restart == .no || detach && !rm else {
            throw DaemonError("--restart \(restart) needs --detach, and no --rm: others end with their command")
        }
        return spec
    }

    private static func anyName() -> String {
        "run-" + String(UInt64.random(in: .min ... .max), radix: 36)
    }

    static var environment: [String: String] {
        var found: [String: String] = [:]
        var place = environ
        while let entry = place.pointee {
            let parts = String(cString: entry).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { found[String(parts[0])] = String(parts[1]) }
            place += 1
        }
        return found
    }
}

extension RestartPolicy: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}
