import ArgumentParser
import Daemon

struct ExecCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec", abstract: "Run a command in a container.",
        discussion: "swiftlet exec -it POD sh. Ends with the command's exit code.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var foreign: ForeignExecOptions
    @OptionGroup var target: ContainerArguments
    @Option(name: [.short, .long], help: "One of the pod's containers.") var container: String?
    @Flag(name: [.customShort("i"), .long], help: "Pass standard input on.") var stdin = false
    @Flag(name: [.customShort("t"), .long], help: "Give the command a terminal.") var tty = false
    @Argument(parsing: .postTerminator, help: "The command and its arguments; -- may stand before them.") var command:
        [String] = []

    func validate() throws {
        guard !command.isEmpty else { throw ValidationError("which command? write swiftlet exec POD COMMAND...") }
    }

    func run() async throws {
        let client = try node.client()
        let (pod, choice) = try await client.container(container, of: target.pod, namespace: target.namespace)
        if let note = choice.note { Output.note(note) }
        let hasTerminal = tty && Output.hasTerminal(for: stdin)
        if tty && !hasTerminal { Output.noteNoTerminal() }
        let session = ExecSession(
            pod: pod, container: choice.name, command: command, hasInput: stdin, hasTerminal: hasTerminal)
        let code = try await session.run(client)
        throw ExitCode(code)
    }
}
