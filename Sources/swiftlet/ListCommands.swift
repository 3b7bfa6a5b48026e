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
    @Flag(name: [.short, .long], help: "Also containers that have exited or not started yet.") var all =
        false
    @Flag(name: [.short, .long], help: "Print only IDs.") var quiet = false
    @Option(
        name: [.short, .long],
        help: "Only those with name=, id=, status=, exited=, label= or ancestor=IMAGE; repeatable.")
    var filter: [String] = []
    @Option(help: "json, or a template with {{.Names}}, {{.ID}} and the like, table before it for columns.") var format:
        String?
    @Flag(help: "Do not shorten IDs and commands.") var noTrunc = false
    @Flag(name: [.short, .long], help: "Only the container that was created last, in any state.") var latest = false
    @Option(name: [.customShort("n"), .long], help: "Only so many that were created last, in any state.") var last: Int?

    func validate() throws {
        guard !quiet || output.output == .table else { throw ValidationError("--quiet prints no JSON") }
        guard last ?? 1 > 0 else { throw ValidationError("--last takes 1 or more") }
        guard format == nil || !quiet && output.output == .table else {
            throw ValidationError("--format stands in the place of --quiet and --output")
        }
        do throws(DaemonError) {
            _ = try (ListFilter.containers(filter), template())
        } catch {
            throw ValidationError(error.description)
        }
    }

    /// nil for the usual table, which `table` alone means too.
    private func template() throws(DaemonError) -> ListTemplate? {
        try format.flatMap { $0 == "table" ? nil : $0 }.map { text throws(DaemonError) in try ListTemplate(text) }
    }

    func run() async throws {
        let filter = try ListFilter.containers(filter)
        let count = latest ? 1 : last
        let listed = NodeView.listed(
            try await node.client().containers(), all: all || count != nil || filter.asksForState)
        var containers = listed.filter { filter.holds(container: $0) }
        if let count { containers = NodeView.last(count, of: containers) }
        let now = SystemTime().now()
        if let template = try template() { return Output.write(template.text(containers, now: now, isWhole: noTrunc)) }
        guard !quiet else { return Output.write(NodeTables.ids(containers, isWhole: noTrunc)) }
        output.show(.array(containers)) { NodeTables.containers(containers, now: now, isWhole: noTrunc) }
    }
}
