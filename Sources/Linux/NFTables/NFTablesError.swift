import Glibc

/// A transaction that the kernel refused. Nothing of it happened.
package struct NFTablesError: Error, Hashable, CustomStringConvertible {
    package let table: String
    /// The refused operation as a line of a rules file, cut to 200 bytes; empty where the whole was refused.
    package let operation: String
    package let code: CInt

    package init(table: String, operation: String, code: CInt) {
        self.table = table
        self.operation = String(decoding: operation.utf8.prefix(200), as: UTF8.self)
        self.code = code
    }

    package var description: String {
        let cause = "\(String(cString: strerror(code))) (errno \(code))"
        let advice =
            switch code {
            case EPERM: "; this needs root, or CAP_NET_ADMIN"
            case EOPNOTSUPP, EPROTONOSUPPORT: "; this kernel lacks nftables or a part of it, see `swiftlet check`"
            default: ""
            }
        return "nftables table \(table): \(operation.isEmpty ? "transaction" : operation): \(cause)\(advice)"
    }
}

/// Where transactions go: the kernel, or memory.
package protocol NFTablesBackend: Sendable {
    /// Applies all of it or nothing. May block for as long as the kernel needs.
    func apply(_ transaction: NFTables.Transaction) throws(NFTablesError)
    /// The names of all tables of the `ip` family, in no order.
    func tables() throws(NFTablesError) -> [String]
}
