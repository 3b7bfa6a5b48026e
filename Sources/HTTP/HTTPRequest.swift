/// One HTTP request as a handler sees it: the same value whether it came over TLS, over a unix socket or from this process.
package struct HTTPRequest: Sendable {
    package var method: HTTPMethod
    /// The path, percent-decoded, without the query.
    package var path: String
    /// The query's items, percent-decoded, in order.
    package var query: [QueryItem]
    /// Path and query as they go out, byte for byte, where a client was given them so; nil: they are made of `path` and `query`.
    package var target: String?
    package var headers: HTTPHeaders
    /// The whole body. A server refuses a body over its limit before a handler sees it.
    package var body: [UInt8]
    /// False where a client must not send it once more when a kept connection is lost without an answer, though its method says that it may (RFC 9110, 9.2.2).
    package var isRepeatable = true
    /// Who sent it, as far as the transport can vouch for it.
    package var peer: Peer

    package init(
        _ method: HTTPMethod, _ path: String, query: [QueryItem] = [], headers: HTTPHeaders = [:], body: [UInt8] = [],
        peer: Peer = .anonymous
    ) {
        self.method = method
        self.path = path
        self.query = query
        target = nil
        self.headers = headers
        self.body = body
        self.peer = peer
    }

    /// The first value of a query item, nil where it is absent.
    package func query(_ name: String) -> String? {
        query.first { $0.name == name }?.value
    }

    /// The first value of a query item that is true or false, nil where it is absent.
    package func flag(_ name: String) -> Bool? {
        query.first { $0.name == name }?.flag
    }
}

package enum HTTPMethod: String, Sendable, Hashable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
    case options = "OPTIONS"
}

package struct QueryItem: Sendable, Hashable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// The value as Kubernetes reads it where it is true or false: all but `0` and `false`, in letters of any case, is true, the empty text as well.
    /// (apimachinery: runtime/conversion.go)
    package var flag: Bool { value != "0" && !value.equalsIgnoringCase("false") }
}

/// Who is at the other end of a request.
package enum Peer: Sendable, Hashable {
    /// Nothing is known; a bearer token may still say who it is.
    case anonymous
    /// A client certificate that chains to our authority: common name is the user, organizations are the groups.
    case certificate(commonName: String, organizations: [String])
    /// A process on this machine, by SO_PEERCRED.
    case local(uid: UInt32, pid: Int32)
    /// A component of this process, under an identity of its own.
    case inProcess(user: String, groups: [String])
}
