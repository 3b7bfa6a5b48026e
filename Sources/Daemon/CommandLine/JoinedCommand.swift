import CRI
import HTTP

/// A command in a container, joined to this process's standard streams; or one that is only begun.
package struct JoinedCommand: Sendable {
    package let pod: PodName
    package let container: String
    package let command: [String]
    package let hasInput: Bool
    package let hasTerminal: Bool
    /// Of a container of `swiftlet run` alone.
    package let difference: ExecDifference

    package init(
        pod: PodName, container: String, command: [String], hasInput: Bool, hasTerminal: Bool,
        difference: ExecDifference = ExecDifference()
    ) {
        self.pod = pod
        self.container = container
        self.command = command
        self.hasInput = hasInput
        self.hasTerminal = hasTerminal
        self.difference = difference
    }

    var query: [QueryItem] {
        var items = command.map { QueryItem("command", $0) }
        items += [QueryItem("stdout", "true"), QueryItem("stdin", hasInput ? "true" : "false")]
        items += [QueryItem("tty", hasTerminal ? "true" : "false")]
        if !hasTerminal { items.append(QueryItem("stderr", "true")) }
        return items + difference.query
    }

    /// - Returns: the command's exit code.
    package func run(_ client: NodeClient) async throws(DaemonError) -> Int32 {
        guard difference == ExecDifference() || isOfRun else {
            throw DaemonError("--user, --workdir, --env and --privileged are for containers of `swiftlet run` alone")
        }
        let connection = try await client.webSocket(path, query, subprotocol: ExecMessage.subprotocol)
        return try await JoinedStreams(connection, object: "\(pod)", hasInput: hasInput, hasTerminal: hasTerminal).run()
    }

    /// Returns when the program runs; it goes on without this process, and what it says is heard by nobody.
    /// - Returns: nil, or why it could not be executed, with the exit code that a shell gives.
    package func begin(_ client: NodeClient) async throws(DaemonError) -> (message: String, code: Int32)? {
        guard isOfRun else { throw DaemonError("--detach is for containers of `swiftlet run` alone") }
        let answer = try await client.send(.post, path, query)
        guard let code = answer["exitCode"]?.integer else { return nil }
        return (answer["message"]?.string ?? "", Int32(clamping: code))
    }

    private var path: String { "/exec/\(pod.namespace)/\(pod.name)/\(container)" }
    private var isOfRun: Bool { pod.namespace == RunSpec.namespace }
}

extension ExecDifference {
    var query: [QueryItem] {
        var items = environment.flatMap { [QueryItem("name", $0.name), QueryItem("value", $0.value)] }
        if !user.isEmpty { items.append(QueryItem("user", user)) }
        if !workingDirectory.isEmpty { items.append(QueryItem("workdir", workingDirectory)) }
        if isPrivileged { items.append(QueryItem("privileged", "true")) }
        return items
    }

    init(_ query: [QueryItem]) {
        self.init()
        func values(_ name: String) -> [String] { query.filter { $0.name == name }.map(\.value) }
        environment = zip(values("name"), values("value")).map { EnvironmentVariable($0, $1) }
        user = values("user").last ?? ""
        workingDirectory = values("workdir").last ?? ""
        isPrivileged = values("privileged").last == "true"
    }
}
