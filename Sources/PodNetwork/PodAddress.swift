import Linux

/// The address of a pod and how it is reached.
package struct PodAddress: Hashable, Sendable {
    package let address: IPv4Address
    /// The node's address among its pods.
    package let gateway: IPv4Address
    /// The host's end of the pod's link.
    package let hostLink: String
}

/// Where a pod's network namespace is found.
package enum NetworkNamespaceReference: Hashable, Sendable {
    /// `/proc/PID/ns/net`, or a file the namespace is bound to.
    case path(String)
    /// Of a process that lives for the duration of the call.
    case process(Int32)

    var path: String {
        switch self {
        case .path(let path): path
        case .process(let id): "/proc/\(id)/ns/net"
        }
    }
}
