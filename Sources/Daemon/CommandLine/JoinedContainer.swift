import HTTP
import JSONTree

/// The first process of a container that runs, joined to this process's standard streams. What it wrote before is in its log.
package struct JoinedContainer: Sendable {
    private let path: String
    private let object: String
    private let hasInput: Bool
    private let hasTerminal: Bool

    /// - Parameters:
    ///   - container: of the pod, or of what `swiftlet run` has made.
    ///   - listed: the node's containers, as `NodeClient.containers` gives them.
    ///   - isTyped: whether this process has an input to pass on; it is not where the container takes none.
    package init(pod: PodName, container: String, listed: [JSONValue], isTyped: Bool) throws(DaemonError) {
        let own = listed.first {
            $0["pod"]?.string == pod.description && $0["metadata"]?["name"]?.string == container
                && $0["state"]?.string == "running"
        }
        guard let own else { throw DaemonError("container \(container) of \(pod) does not run") }
        path = "/attach/\(pod.namespace)/\(pod.name)/\(container)"
        object = "\(pod)"
        hasInput = isTyped && own["input"]?.bool == true
        hasTerminal = own["terminal"]?.bool == true
    }

    /// - Returns: the container's exit code, of a pod's always 0; 0 where the caller has left it.
    package func run(_ client: NodeClient) async throws(DaemonError) -> Int32 {
        var query = [QueryItem("stdout", "true"), QueryItem("stdin", hasInput ? "true" : "false")]
        query += [QueryItem("tty", hasTerminal ? "true" : "false")]
        if !hasTerminal { query.append(QueryItem("stderr", "true")) }
        let connection = try await client.webSocket(path, query, subprotocol: ExecMessage.subprotocol)
        return try await JoinedStreams(
            connection, object: object, hasInput: hasInput, hasTerminal: hasTerminal, isLeft: true
        ).run()
    }
}
