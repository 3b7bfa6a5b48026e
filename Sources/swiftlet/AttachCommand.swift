import ArgumentParser
import Daemon

struct AttachCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach", abstract: "Attach to the program of a running container.",
        discussion:
            "Shows its output from now on; input goes to it where it was started with -i (run --detach -i). In a terminal ctrl-p ctrl-q "
            + "detaches, elsewhere any signal. Exits with the exit code of a container of `swiftlet run`.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var target: ContainerArguments
    @Option(name: [.short, .long], help: "Container of the pod.") var container: String?
    @Flag(help: "Do not attach standard input.") var noStdin = false

    func run() async throws {
        let client = try node.client()
        let (pod, choice) = try await client.container(container, of: target.pod, namespace: target.namespace)
        if let note = choice.note { Output.note(note) }
        let session = try JoinedContainer(
            pod: pod, container: choice.name, listed: try await client.containers(), isTyped: !noStdin)
        throw ExitCode(try await session.run(client))
    }
}
