import CNetlink
import Glibc
import Synchronization

/// The kernel's ruleset, of the network namespace of the thread that first calls.
///
/// Keep one for many transactions: closing its socket waits until the kernel has disposed of what was deleted, about
/// 10 ms. Transactions of one instance run one after another.
package final class KernelNFTables: NFTablesBackend {
    private let socket = Mutex<NetlinkSocket?>(nil)

    /// Longest batch, in bytes. A longer one is refused with E2BIG; 50,000 services stay below it.
    private static let longestBatch = 64 << 20

    package init() {}

    package func apply(_ transaction: NFTables.Transaction) throws(NFTablesError) {
        guard !transaction.isEmpty else { return }
        guard NFTables.isName(transaction.table) else { throw Self.error(transaction, nil, EINVAL) }
        let batch: NFTablesBatch
        switch NFTablesBatch.encode(transaction) {
        case .success(let encoded): batch = encoded
        case .failure(let unfit): throw Self.error(transaction, unfit.index, EINVAL)
        }
        guard batch.bytes.count <= Self.longestBatch else { throw Self.error(transaction, nil, E2BIG) }
        let refused = try withSocket(transaction.table) { $0.send(batch: batch.bytes) }
        if let (sequence, code) = refused {
            let message = Int(sequence) - 1
            throw Self.error(
                transaction, batch.operations.indices.contains(message) ? batch.operations[message] : nil, code)
        }
    }

    package func tables() throws(NFTablesError) -> [String] {
        try dump(NFT_MSG_GETTABLE, family: UInt8(NFPROTO_IPV4)).compactMap {
            $0.attributes(after: MemoryLayout<nfgenmsg>.size).string(Int(NFTA_TABLE_NAME.rawValue))
        }
    }

    /// - Parameter names: of the objects asked for, by their attributes.
    func dump(
        _ message: nf_tables_msg_types, family: UInt8, names: [(Int, String)] = []
    ) throws(NFTablesError) -> [NetlinkMessage] {
        var header = nfgenmsg()
        header.nfgen_family = family
        header.version = UInt8(NFNETLINK_V0)
        let type = Int(NFNL_SUBSYS_NFTABLES) << 8 | Int(message.rawValue)
        let answers = try withSocket("(all)") { socket in
            Result { () throws(NetlinkError) in
                var request = NetlinkRequest(type: type, flags: 0, header)
                for (attribute, name) in names { request.put(attribute, name) }
                return try socket.dump(request, "nftables objects")
            }
        }
        switch answers {
        case .success(let messages): return messages
        case .failure(let error):
            throw NFTablesError(table: "(all)", operation: error.operation, code: error.code)
        }
    }

    private func withSocket<T: Sendable>(
        _ table: String, _ body: (NetlinkSocket) -> T
    ) throws(NFTablesError) -> T {
        let result: Result<T, NetlinkError> = socket.withLock { socket in
            do throws(NetlinkError) {
                let opened = if let socket { socket } else { try NetlinkSocket(family: NETLINK_NETFILTER) }
                socket = opened
                return .success(body(opened))
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success(let value): return value
        case .failure(let error): throw NFTablesError(table: table, operation: error.operation, code: error.code)
        }
    }

    private static func error(_ transaction: NFTables.Transaction, _ index: Int?, _ code: CInt) -> NFTablesError {
        let text = index.map { transaction.operations[$0].text(table: transaction.table) } ?? ""
        return NFTablesError(table: transaction.table, operation: text, code: code)
    }
}

extension NetlinkSocket {
    /// Sends a batch, which the kernel carries out within the call. Nil when it did; else the sequence number of the first
    /// message that it refused and the errno.
    fileprivate func send(batch: [UInt8]) -> (sequence: UInt32, code: CInt)? {
        // The whole batch must fit the socket's buffer; so must the answers, should many messages be refused.
        for (option, size) in [(SO_SNDBUFFORCE, batch.count + 64 * 1024), (SO_RCVBUFFORCE, 1 << 20)] {
            var size = CInt(clamping: size)
            setsockopt(descriptor, SOL_SOCKET, option, &size, socklen_t(MemoryLayout<CInt>.size))
        }
        let sent = batch.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, 0) }
        guard sent == batch.count else { return (0, sent < 0 ? errno : EMSGSIZE) }
        var answer = [UInt8](repeating: 0, count: 16 * 1024)
        var refused: (sequence: UInt32, code: CInt)?
        // All answers are there already; none may be left for the next batch.
        while true {
            let count = recv(descriptor, &answer, answer.count, CInt(MSG_DONTWAIT))
            if count >= 0 {
                refused = refused ?? Self.firstError(answer.prefix(count))
            } else if errno == EAGAIN {
                return refused
            } else if errno != EINTR {
                // ENOBUFS: so many messages were refused that their answers did not fit.
                refused = refused ?? (0, errno)
            }
        }
    }

    private static func firstError(_ answer: ArraySlice<UInt8>) -> (sequence: UInt32, code: CInt)? {
        answer.withUnsafeBytes { bytes in
            var offset = 0
            while bytes.count - offset >= MemoryLayout<nlmsghdr>.size + 4 {
                let header = bytes.loadUnaligned(fromByteOffset: offset, as: nlmsghdr.self)
                let length = Int(header.nlmsg_len)
                guard length >= MemoryLayout<nlmsghdr>.size + 4 else { return (0, EBADMSG) }
                let code = bytes.loadUnaligned(fromByteOffset: offset + MemoryLayout<nlmsghdr>.size, as: CInt.self)
                if CInt(header.nlmsg_type) == NLMSG_ERROR, code != 0 {
                    // -code would trap for the smallest number; the kernel's are small.
                    return (header.nlmsg_seq, 0 &- code)
                }
                offset += (length + 3) & ~3
            }
            return nil
        }
    }
}
