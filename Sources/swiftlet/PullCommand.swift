import ArgumentParser
import Daemon
import Glibc
import JSONTree

struct PullCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull", abstract: "Fetch an image from its registry.",
        discussion:
            "Layers that are on the node already are not fetched again; a pull that broke goes on where it was. "
            + "Mirrors and registries without TLS are the daemon's setting `registries`.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var credentials: RegistryCredentials
    @Flag(name: [.short, .long], help: "Print only the result.") var quiet = false
    @Argument(help: "The image's name, such as busybox:1.36.") var name: String

    func run() async throws {
        var body: JSONObject = ["name": .string(name)]
        try credentials.add(to: &body)
        try await Progress.show("/v1/images/pull", body, node, isSilent: quiet) { value in
            output.show(value) { "\(name) \(value["id"]?.string ?? "")\n" }
        }
    }
}

/// As whom a registry is asked.
struct RegistryCredentials: ParsableArguments {
    @Option(help: "User name at the registry; the password is read from standard input.") var username: String?

    func add(to body: inout JSONObject) throws {
        guard let username else { return }
        if isatty(STDIN_FILENO) == 1 { Output.error("Password: ") }
        body["username"] = .string(username)
        body["password"] = .string(Self.password())
    }

    /// The first line of standard input; a terminal does not show it.
    private static func password() -> String {
        var before = termios()
        let isTerminal = tcgetattr(STDIN_FILENO, &before) == 0
        if isTerminal {
            var silent = before
            silent.c_lflag &= ~tcflag_t(ECHO)
            tcsetattr(STDIN_FILENO, TCSANOW, &silent)
        }
        defer {
            if isTerminal {
                tcsetattr(STDIN_FILENO, TCSANOW, &before)
                Output.error("\n")
            }
        }
        return readLine(strippingNewline: true) ?? ""
    }
}

/// Shows how a pull or a push goes: in a terminal one line that changes, else a line for each layer.
enum Progress {
    static func show(
        _ path: String, _ body: JSONObject, _ node: NodeOptions, isSilent: Bool = false, end: (JSONValue) -> Void
    ) async throws {
        let isLive = !isSilent && isatty(STDERR_FILENO) == 1
        var table = ProgressTable()
        var last: JSONValue?
        try await node.client().lines(path, body: .object(body)) { line throws(DaemonError) in
            let event = line["event"]?.string ?? ""
            if event == "failed" { throw DaemonError((isLive ? "\r\u{1B}[K" : "") + (line["message"]?.string ?? "")) }
            if table.take(line) { last = line }
            if isLive {
                Output.error("\r\u{1B}[K" + table.summary)
            } else if !isSilent, let text = ProgressTable.text(of: line) {
                Output.error(text + "\n")
            }
        }
        if isLive { Output.error("\r\u{1B}[K") }
        guard let last else { throw DaemonError("the daemon ended before the image was whole") }
        end(last)
    }
}
