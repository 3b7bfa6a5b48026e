import ArgumentParser
import Daemon
import JSONTree

struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Follow what happens on the node to containers and images.",
        discussion: "Goes on until it is stopped. With -o json each event is a line of JSON.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await node.client().events { event in
            switch output.output {
            case .json: Output.write(String(decoding: event.encoded(), as: UTF8.self) + "\n")
            case .table: Output.write(EventLine.text(event) + "\n")
            }
        }
    }
}
