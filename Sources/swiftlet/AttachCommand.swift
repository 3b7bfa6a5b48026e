import ArgumentParser
import Daemon

struct AttachCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach", abstract: "Join the program of a container that runs.",
        discussion:
            "What it writes from now on is heard; what is typed goes to it where it was started with an input (run --detach -i). In a terminal ctrl-p ctrl-q "
            + "leaves it, elsewhere any signal. Ends with the exit code of a container of `swiftlet run`.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var target: ContainerArguments
    @Option(name: [.short, .long], help: "One of the pod's containers.") var container: String?
    @Flag(help: "Pass no input on.") var noStdin = false

    func run() async throws {
        let client = try node.client()
        let (pod, choice) = try await client.container(container, of: target.pod, namespace: target.namespace)
        if let note = choice.note { Output.note(note) }
        let session = try JoinedContainer(
            pod: pod, container: choice.name, listed: try await client.containers(), isTyped: !noStdin)
        throw ExitCode(try await session.run(client))
    }
}
