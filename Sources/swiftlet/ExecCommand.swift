import ArgumentParser
import CRI
import Daemon

struct ExecCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec", abstract: "Run a command in a container.",
        discussion: "swiftlet exec -it POD sh. Ends with the command's exit code.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var target: ContainerArguments
    @Option(name: [.short, .long], help: "Container of the pod.") var container: String?
    @Flag(name: [.customShort("i"), .long], help: "Keep standard input open.") var stdin = false
    @Flag(name: [.customShort("t"), .long], help: "Allocate a terminal.") var tty = false
    @Option(name: [.short, .long], help: "Containers of `swiftlet run`: USER[:GROUP], by name or number.")
    var user = ""
    @Option(name: [.short, .long], help: "Containers of `swiftlet run`: working directory.") var workdir = ""
    @Option(
        name: [.short, .long],
        help: "Containers of `swiftlet run`: NAME=VALUE, or NAME for this command's own; repeatable.")
    var env: [String] = []
    @Flag(
        name: [.short, .long],
        help: "Containers of `swiftlet run`: return once the command has started; its output is discarded.")
    var detach = false
    @Flag(help: "Containers of `swiftlet run`: all capabilities, no confinement.") var privileged = false
    @Argument(parsing: .postTerminator, help: "The command and its arguments; -- may stand before them.") var command:
        [String] = []

    func validate() throws {
        guard !command.isEmpty else { throw ValidationError("which command? write swiftlet exec POD COMMAND...") }
        guard !detach || !stdin && !tty else {
            throw ValidationError("--detach: nobody types or sees its terminal; leave out -i and -t")
        }
        do throws(DaemonError) { _ = try difference() } catch { throw ValidationError(error.description) }
    }

    func run() async throws {
        let client = try node.client()
        let (pod, choice) = try await client.container(container, of: target.pod, namespace: target.namespace)
        if let note = choice.note { Output.note(note) }
        let hasTerminal = tty && Output.hasTerminal(for: stdin)
        if tty && !hasTerminal { Output.noteNoTerminal() }
        let session = JoinedCommand(
            pod: pod, container: choice.name, command: command, hasInput: stdin, hasTerminal: hasTerminal,
            difference: try difference())
        if detach {
            guard let failure = try await session.begin(client) else { return }
            Output.note(failure.message)
            throw ExitCode(failure.code)
        }
        let code = try await session.run(client)
        throw ExitCode(code)
    }

    private func difference() throws(DaemonError) -> ExecDifference {
        var difference = ExecDifference()
        (difference.user, difference.workingDirectory, difference.isPrivileged) = (user, workdir, privileged)
        for text in env {
            if let variable = try RunSpec.variable(text, caller: RunCommand.environment) {
                difference.environment.append(variable)
            }
        }
        return difference
    }
}
