import ArgumentParser
import Daemon
import HTTP
import JSONTree

struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Follow what happens on the node to containers and images.",
        discussion:
            "Runs until it is interrupted or the daemon stops. With -o json each event is a line of JSON. The daemon keeps "
            + "events in memory: there are none of before its start.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: OutputOptions
    @Option(
        name: [.short, .long],
        help: "Only those with type=container, sandbox or image, event=, container= or image=; repeatable.")
    var filter: [String] = []

    @Option(help: "Also earlier ones, since a duration ago (10m) or a time; the daemon keeps the last 1,024.")
    var since: String?

    func validate() throws {
        do throws(DaemonError) {
            _ = try (ListFilter.events(filter), start())
        } catch {
            throw ValidationError(error.description)
        }
    }

    private func start() throws(DaemonError) -> QueryItem? {
        try since.map { text throws(DaemonError) in try LogStart.query(text) }
    }

    func run() async throws {
        let filter = try ListFilter.events(filter)
        try await node.client().events(since: try start()) { event in
            if event["kind"]?.string == "events" { Output.note("some events were left out: more came than are kept") }
            guard filter.holds(event: event) else { return }
            switch output.output {
            case .json: Output.write(String(decoding: event.encoded(), as: UTF8.self) + "\n")
            case .table: Output.write(EventLine.text(event) + "\n")
            }
        }
    }
}
