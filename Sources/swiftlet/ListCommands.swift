import APIMachinery
import ArgumentParser
import Daemon
import JSONTree

struct PodsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pods", abstract: "List the pods that have a sandbox on this node.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let sandboxes = try await node.client().sandboxes()
        output.show(.array(sandboxes)) { NodeTables.sandboxes(sandboxes, now: SystemTime().now()) }
    }
}

struct PSCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ps", abstract: "List the containers of this node.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let containers = try await node.client().containers()
        output.show(.array(containers)) { NodeTables.containers(containers, now: SystemTime().now()) }
    }
}
