/// Reads a deflate stream's bits, least significant first (RFC 1951, 3.1.1).
struct BitReader {
    private let bytes: ArraySlice<UInt8>
    private var next: Int
    /// Bits taken from `bytes` and not yet read, `count` of them.
    private var bits: UInt32 = 0
    private var count = 0

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        next = bytes.startIndex
    }

    /// Whether every bit was read.
    var isAtEnd: Bool { count == 0 && next == bytes.endIndex }

    /// - Parameter width: 0 to 16.
    mutating func read(_ width: Int) throws(SPDYError) -> Int {
        while count < width {
            guard next < bytes.endIndex else { throw .compression("a block is cut short") }
            bits |= UInt32(bytes[next]) << UInt32(count)
            next += 1
            count += 8
        }
        let value = bits & ((1 << UInt32(width)) - 1)
        bits >>= UInt32(width)
        count -= width
        return Int(value)
    }

    /// Drops what is left of the present byte.
    mutating func align() {
        bits >>= UInt32(count % 8)
        count -= count % 8
    }

    /// `length` whole bytes; call `align` before.
    mutating func bytes(_ length: Int) throws(SPDYError) -> ArraySlice<UInt8> {
        next -= count / 8
        bits = 0
        count = 0
        guard length <= bytes.endIndex - next else { throw .compression("a stored block is cut short") }
        defer { next += length }
        return bytes[next..<next + length]
    }
}
