import HTTP

/// A command in a container, joined to this process's standard streams.
package struct ExecSession: Sendable {
    package let pod: PodName
    package let container: String
    package let command: [String]
    package let hasInput: Bool
    package let hasTerminal: Bool

    package init(pod: PodName, container: String, command: [String], hasInput: Bool, hasTerminal: Bool) {
        self.pod = pod
        self.container = container
        self.command = command
        self.hasInput = hasInput
        self.hasTerminal = hasTerminal
    }

    var query: [QueryItem] {
        var items = command.map { QueryItem("command", $0) }
        items += [QueryItem("stdout", "true"), QueryItem("stdin", hasInput ? "true" : "false")]
        items += [QueryItem("tty", hasTerminal ? "true" : "false")]
        if !hasTerminal { items.append(QueryItem("stderr", "true")) }
        return items
    }

    /// - Returns: the command's exit code.
    package func run(_ client: NodeClient) async throws(DaemonError) -> Int32 {
        let path = "/exec/\(pod.namespace)/\(pod.name)/\(container)"
        let connection = try await client.webSocket(path, query, subprotocol: ExecMessage.subprotocol)
        return try await JoinedStreams(connection, object: "\(pod)", hasInput: hasInput, hasTerminal: hasTerminal).run()
    }
}
