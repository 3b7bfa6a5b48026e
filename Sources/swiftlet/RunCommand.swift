import ArgumentParser
import CRI
import Daemon
import Glibc
import JSONTree

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run one container, without Kubernetes.",
        discussion:
            "swiftlet run -it busybox sh. Input, output, signals and the terminal's size are passed on; the container ends with this command, "
            + "nothing of it stays, and its exit code is this command's: 125 where it could not be made or was asked for wrongly, 126 and 127 as a shell has them.\n\n"
            + "With --detach it goes on alone, also when the daemon is started anew, and stays when it has ended, until the next boot: swiftlet logs, attach, exec, wait, "
            + "kill, stop and rm take its name, which is printed.",
        helpNames: .long)

    @OptionGroup var node: NodeOptions
    @OptionGroup var foreign: ForeignRunOptions
    @Flag(name: [.customShort("i"), .long], help: "Pass standard input on.") var interactive = false
    @Flag(name: [.customShort("t"), .long], help: "Give it a terminal.") var tty = false
    @Flag(name: [.short, .long], help: "Let it go on alone; print its name.") var detach = false
    @Flag(help: "Leave nothing behind at its end, which is so always without --detach.") var rm = false
    @Option(help: "What it is called (default: one by chance).") var name: String?
    @Option(
        name: [.short, .long], parsing: .unconditionalSingleValue,
        help: "NAME=VALUE, or NAME with this command's own value; again for more.")
    var env: [String] = []
    @Option(help: "A file with a line NAME=VALUE or NAME each; again for more.") var envFile: [String] = []
    @Option(name: [.short, .long], help: "/HERE:/THERE or ./HERE:/THERE, with :ro to be read only; again for more.")
    var volume: [String] = []
    @Option(help: "/THERE, empty and in memory; with :size=64m and more after it; again for more.")
    var tmpfs: [String] = []
    @Option(help: "type=bind,source=/HERE,target=/THERE,readonly or type=tmpfs,target=/THERE; again for more.")
    var mount: [String] = []
    @Option(name: [.short, .long], help: "Where it starts in.") var workdir = ""
    @Option(help: "In place of the image's entry point; empty: the command alone.") var entrypoint: String?
    @Flag(help: "Its root filesystem cannot be written.") var readOnly = false
    @Option(
        name: [.short, .long], parsing: .unconditionalSingleValue,
        help: "NAME=VALUE, shown by swiftlet inspect; again for more.")
    var label: [String] = []
    @Option(parsing: .unconditionalSingleValue, help: "The same as an annotation.") var annotation: [String] = []
    @Option(help: "What it is sent to end (default: as its image says, else TERM).") var stopSignal: String?
    @Option(parsing: .unconditional, help: "Seconds that it then has; -1: as many as it takes (default: 10).")
    var stopTimeout: Int64?
    @Option(help: "Fetch the image: missing, always or never.") var pull = PullPolicy.missing
    @Flag(name: [.short, .long], help: "Say nothing of a fetch.") var quiet = false
    @Option(help: "A new file that its id is written to.") var cidfile: String?
    @Option(help: "OS/ARCHITECTURE: an error where that is not this machine's.") var platform: String?
    @OptionGroup(title: "Network") var network: RunNetworkOptions
    @OptionGroup(title: "Limits") var limits: RunLimitOptions
    @OptionGroup(title: "Rights") var rights: RunRightOptions
    @Argument(help: "The image's name.") var image: String
    @Argument(parsing: .captureForPassthrough, help: "In place of the image's command.") var command: [String] = []

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
        (spec.isDetached, spec.isRemovedAtEnd) = (detach, detach && rm)
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
