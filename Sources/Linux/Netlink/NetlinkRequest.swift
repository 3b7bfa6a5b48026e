import CNetlink
import Glibc

/// One netlink message under construction, in a buffer of its own.
///
/// At most `capacity` bytes: what does not fit marks the request as too long, and sending it throws EMSGSIZE.
struct NetlinkRequest: ~Copyable {
    static let capacity = 4096

    let header: UnsafeMutablePointer<nlmsghdr>
    private let buffer: UnsafeMutableRawPointer
    private(set) var isTooLong = false

    init<Extra: BitwiseCopyable>(type: Int, flags: CInt, _ extra: Extra) {
        buffer = .allocate(byteCount: Self.capacity, alignment: 8)
        buffer.initializeMemory(as: UInt8.self, repeating: 0, count: Self.capacity)
        header = mnl_nlmsg_put_header(buffer)
        header.pointee.nlmsg_type = UInt16(truncatingIfNeeded: type)
        header.pointee.nlmsg_flags = UInt16(truncatingIfNeeded: NLM_F_REQUEST | flags)
        if let place = mnl_nlmsg_put_extra_header(header, MemoryLayout<Extra>.size) {
            place.storeBytes(of: extra, as: Extra.self)
        }
    }

    deinit {
        buffer.deallocate()
    }

    mutating func put(_ type: Int, _ bytes: [UInt8]) {
        let fits = mnl_attr_put_check(header, Self.capacity, UInt16(truncatingIfNeeded: type), bytes.count, bytes)
        if !fits { isTooLong = true }
    }

    mutating func put(_ type: Int, _ number: UInt32) {
        put(type, withUnsafeBytes(of: number) { Array($0) })
    }

    mutating func put(_ type: Int, _ address: IPv4Address) {
        put(type, address.bytes)
    }

    /// A string with its terminating zero.
    mutating func put(_ type: Int, _ text: String) {
        put(type, Array(text.utf8) + [0])
    }

    /// Attributes put by `body` are nested in one of `type`.
    mutating func nest(_ type: Int, _ body: (inout NetlinkRequest) -> Void) {
        guard let start = mnl_attr_nest_start_check(header, Self.capacity, UInt16(truncatingIfNeeded: type)) else {
            isTooLong = true
            return
        }
        body(&self)
        mnl_attr_nest_end(header, start)
    }

    /// A kernel structure inside a nested attribute, before its own attributes (as in VETH_INFO_PEER).
    mutating func append<Extra: BitwiseCopyable>(_ extra: Extra) {
        let size = (MemoryLayout<Extra>.size + 3) & ~3
        guard Int(header.pointee.nlmsg_len) + size <= Self.capacity else {
            isTooLong = true
            return
        }
        mnl_nlmsg_get_payload_tail(header).storeBytes(of: extra, as: Extra.self)
        header.pointee.nlmsg_len += UInt32(size)
    }
}
