import APIMachinery
import KubernetesAPI
import PKI

/// Whether a machine may be the node of a name. Pure.
///
/// A name belongs to the machine that joined first under it: the Node keeps a hash of that machine's password. Deleting the Node frees the name.
enum NodeClaim: Sendable, Hashable {
    /// There is no such node: make it, bound to this password.
    case create
    /// It is the same machine, and the Node does not say so any more.
    case bind
    case proceed
    case refuse(String)

    static let annotation = "swiftlet.dev/node-password"

    /// - Parameters:
    ///   - node: the Node of this name, where there is one.
    ///   - isProven: the request came with that node's own certificate.
    ///   - ownNode: the node that the server itself is.
    static func decide(
        _ name: String, password: String, node: Node?, isProven: Bool, ownNode: String
    ) -> NodeClaim {
        guard FieldFormats.isNodeName(name) else {
            return .refuse("\"\(name)\" is no node name: use lower-case letters, digits, \"-\" and \".\"")
        }
        guard name != ownNode else {
            return .refuse("the server itself is the node \(name); give this machine another --node-name")
        }
        guard (32...256).contains(password.utf8.count) else {
            return .refuse("the node's password must have 32 to 256 characters")
        }
        guard let node else { return .create }
        guard let hash = node.metadata.annotations[annotation] else {
            if isProven { return .bind }
            return .refuse(
                "the node \(name) exists and did not join with a token; "
                    + "choose another --node-name, or delete it first: kubectl delete node \(name)")
        }
        if Secrets.matches(password, hash) { return .proceed }
        if isProven { return .bind }
        return .refuse(
            "another machine has joined as node \(name); choose another --node-name, or, "
                + "where this machine takes its place, delete it first: kubectl delete node \(name)")
    }
}

/// Forms of names.
enum FieldFormats {
    /// RFC 1123's form of a DNS name, short enough for a certificate and a label.
    static func isNodeName(_ text: String) -> Bool {
        guard (1...63).contains(text.utf8.count) else { return false }
        return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && part.first != "-" && part.last != "-"
                && part.utf8.allSatisfy { byte in
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
                }
        }
    }
}
