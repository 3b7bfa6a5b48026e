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
        commandName: "ps", abstract: "List the containers that run on this node.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: OutputOptions
    @Flag(name: [.short, .long], help: "Those too that do not run: ended ones, and ones not yet started.") var all =
        false
    @Flag(name: [.short, .long], help: "Their ids alone.") var quiet = false

    func validate() throws {
        guard !quiet || output.output == .table else { throw ValidationError("--quiet prints no JSON") }
    }

    func run() async throws {
        let containers = NodeView.listed(try await node.client().containers(), all: all)
        guard !quiet else { return Output.write(NodeTables.ids(containers)) }
        output.show(.array(containers)) { NodeTables.containers(containers, now: SystemTime().now()) }
    }
}
