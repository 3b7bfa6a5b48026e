import Glibc

/// What the kernel refused over netlink: the operation, the object it was about, and the errno.
package struct NetlinkError: Error, Hashable, CustomStringConvertible {
    package let operation: String
    package let object: String
    package let code: CInt

    package init(_ operation: String, _ object: String, code: CInt) {
        self.operation = operation
        self.object = object
        self.code = code
    }

    package var description: String {
        "\(operation) \(object): \(String(cString: strerror(code))) (errno \(code))\(advice)"
    }

    private var advice: String {
        switch code {
        case EPERM, EACCES: "; this needs root, or CAP_NET_ADMIN in the network namespace"
        case EOPNOTSUPP, EPROTONOSUPPORT: "; this kernel lacks the feature, see `swiftlet check`"
        default: ""
        }
    }
}
