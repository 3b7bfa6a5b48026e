import APIMachinery
import ArgumentParser
import Daemon
import Glibc

struct StatsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Show the resource usage of the node and its containers.",
        discussion:
            "Follows in a terminal; else, and with --once, prints one table. What this host does not count is shown as -."
    )

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: OutputOptions
    @Flag(name: [.long, .customLong("no-stream")], help: "Print once and exit.") var once = false
    @Option(help: "Seconds between two readings.") var interval = 2

    func validate() throws {
        guard (1...3600).contains(interval) else { throw ValidationError("--interval takes 1 to 3600 seconds") }
    }

    func run() async throws {
        let client = try node.client()
        let time = SystemTime()
        var before = try await client.stats()
        guard output.output == .table else { return Output.write(before) }
        let isLive = !once && isatty(STDOUT_FILENO) == 1
        var start = time.uptime()
        repeat {
            try await time.sleep(for: .seconds(isLive ? interval : 1))
            let now = try await client.stats()
            let end = time.uptime()
            let text = StatsTable.text(now, before: before, elapsed: end - start)
            Output.write(isLive ? "\u{1B}[H\u{1B}[2J" + text : text)
            (before, start) = (now, end)
        } while isLive
    }
}
