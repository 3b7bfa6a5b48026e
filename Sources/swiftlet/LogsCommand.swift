import ArgumentParser
import Daemon
import Glibc
import HTTP
import Linux

struct LogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Print what a container wrote, straight from this node.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var target: ContainerArguments
    @Option(name: [.short, .long], help: "Container of the pod.") var container: String?
    @Flag(name: [.short, .long], help: "Follow the log.") var follow = false
    @Option(help: "Number of lines from the end, or all (default: all); -n NUMBER is the same.", transform: Self.lines)
    var tail: Int? = nil
    @Option(help: "Only newer than a duration, such as 10m, or a time, such as 2026-01-31T12:00:00Z.")
    var since: String?
    @Flag(name: [.short, .long], help: "Log of the container before its last restart.") var previous = false
    @Flag(name: [.customShort("t"), .long], help: "Prefix each line with its time.") var timestamps = false

    func validate() throws {
        if let since {
            do throws(DaemonError) { _ = try LogStart.query(since) } catch { throw ValidationError(error.description) }
        }
    }

    /// Nil for all.
    private static func lines(_ text: String) throws -> Int? {
        if text == "all" { return nil }
        guard let count = Int(text), count >= 0 else { throw ValidationError("give 0 or more lines, or all") }
        return count
    }

    func run() async throws {
        let client = try node.client()
        let (pod, choice) = try await client.container(container, of: target.pod, namespace: target.namespace)
        if let note = choice.note { Output.note(note) }
        var query: [QueryItem] = []
        if follow { query.append(QueryItem("follow", "true")) }
        if previous { query.append(QueryItem("previous", "true")) }
        if timestamps { query.append(QueryItem("timestamps", "true")) }
        if let tail { query.append(QueryItem("tailLines", String(tail))) }
        if let since { query.append(try LogStart.query(since)) }
        let path = "/containerLogs/\(pod.namespace)/\(pod.name)/\(choice.name)"
        try await client.pieces(path, query) { piece throws(DaemonError) in
            do { try StandardStreams.write(piece, to: STDOUT_FILENO) } catch { throw DaemonError("\(error)") }
        }
    }
}
