import CNetlink
import Glibc

/// A netlink socket, bound to the network namespace in which it was opened. Use it from one thread at a time.
final class NetlinkSocket {
    private let socket: OpaquePointer
    private let family: CInt
    private var sequence: UInt32 = 0
    private var buffer = [UInt8](repeating: 0, count: 64 * 1024)

    /// - Parameter family: NETLINK_ROUTE or NETLINK_NETFILTER.
    init(family: CInt) throws(NetlinkError) {
        self.family = family
        guard let opened = mnl_socket_open2(family, CInt(SOCK_CLOEXEC.rawValue)) else {
            throw NetlinkError("open", "netlink socket", code: errno)
        }
        guard mnl_socket_bind(opened, 0, 0) == 0 else {
            let code = errno
            mnl_socket_close(opened)
            throw NetlinkError("bind", "netlink socket", code: code)
        }
        socket = opened
    }

    deinit {
        mnl_socket_close(socket)
    }

    var descriptor: CInt { mnl_socket_get_fd(socket) }

    func nextSequence() -> UInt32 {
        sequence &+= 1
        return sequence
    }

    /// Sends the request and waits for the kernel's acknowledgement, which comes within the same system call.
    func transact(
        _ request: borrowing NetlinkRequest, _ operation: String, _ object: @autoclosure () -> String
    ) throws(NetlinkError) {
        request.header.pointee.nlmsg_flags |= UInt16(NLM_F_ACK)
        let code = exchange(request) { _ in }
        if code != 0 { throw NetlinkError(operation, object(), code: code) }
    }

    /// Sends a dump request and hands every answer to `body`. A dump cut short by a change is repeated, three times at most.
    func dump(_ request: borrowing NetlinkRequest, _ object: String) throws(NetlinkError) -> [NetlinkMessage] {
        request.header.pointee.nlmsg_flags |= UInt16(NLM_F_ROOT | NLM_F_MATCH)
        var code: CInt = 0
        for _ in 0..<3 {
            var answers: [NetlinkMessage] = []
            code = exchange(request) { answers.append($0) }
            if code == 0 { return answers }
            guard code == EINTR else { break }
        }
        throw NetlinkError("list", object, code: code)
    }

    private func exchange(_ request: borrowing NetlinkRequest, _ body: (NetlinkMessage) -> Void) -> CInt {
        guard !request.isTooLong else { return EMSGSIZE }
        let number = nextSequence()
        request.header.pointee.nlmsg_seq = number
        guard mnl_socket_sendto(socket, request.header, Int(request.header.pointee.nlmsg_len)) >= 0 else {
            return errno
        }
        while true {
            let count = buffer.withUnsafeMutableBytes { mnl_socket_recvfrom(socket, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                return errno
            }
            if let code = consume(count, number, body) { return code }
        }
    }

    /// Reads the messages of one datagram; the errno (or 0) when the exchange is over, nil while more is to come.
    private func consume(_ count: Int, _ number: UInt32, _ body: (NetlinkMessage) -> Void) -> CInt? {
        buffer.withUnsafeBytes { bytes in
            var interrupted = false
            var offset = 0
            while count - offset >= MemoryLayout<nlmsghdr>.size {
                let header = bytes.loadUnaligned(fromByteOffset: offset, as: nlmsghdr.self)
                let length = Int(header.nlmsg_len)
                guard length >= MemoryLayout<nlmsghdr>.size, length <= count - offset else { return EBADMSG }
                defer { offset += (length + 3) & ~3 }
                guard header.nlmsg_seq == number else { continue }
                if Int32(header.nlmsg_flags) & NLM_F_DUMP_INTR != 0 { interrupted = true }
                let payload = bytes[(offset + MemoryLayout<nlmsghdr>.size)..<(offset + length)]
                switch CInt(header.nlmsg_type) {
                case NLMSG_DONE:
                    return interrupted ? EINTR : 0
                case NLMSG_ERROR:
                    guard payload.count >= 4 else { return EBADMSG }
                    return -payload.loadUnaligned(as: CInt.self)
                case NLMSG_NOOP, NLMSG_OVERRUN:
                    continue
                default:
                    body(NetlinkMessage(type: Int(header.nlmsg_type), payload: Array(payload)))
                }
            }
            return nil
        }
    }
}
