import HTTP

/// The way to a node's agent, for logs, exec, attach and port forwarding.
package protocol NodeProxy: Sendable {
    /// The node's kubelet endpoint. It is asked with the kubelet's own paths: `/containerLogs/<namespace>/<pod>/<container>`,
    /// `/exec/…`, `/attach/…`, `/portForward/<namespace>/<pod>`. For the local node this is the kubelet itself, in this process.
    /// Throws where no such node is known or it cannot be reached.
    func kubelet(onNode node: String) async throws(HTTPError) -> any HTTPHandler
}

/// No node can be reached: for tests, and before the first agent has joined.
package struct NoNodes: NodeProxy {
    package init() {}

    package func kubelet(onNode node: String) async throws(HTTPError) -> any HTTPHandler {
        throw .connectFailed(endpoint: node, reason: "no agent of this node is connected")
    }
}
