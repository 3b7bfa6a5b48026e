import NIOCore

/// A body in parts on its way out, taken in buffers of a good size: small parts are joined, large ones cut, none is copied before its turn.
struct OutgoingParts {
    private let parts: [[UInt8]]
    private var left: Int
    private var part = 0
    private var offset = 0

    init(_ parts: [[UInt8]]) {
        self.parts = parts
        left = parts.reduce(0) { $0 + $1.count }
    }

    /// The next bytes, at most `limit`; nil at the end.
    mutating func next(limit: Int, allocator: ByteBufferAllocator) -> ByteBuffer? {
        var buffer: ByteBuffer?
        var room = limit
        while room > 0, part < parts.count {
            let rest = parts[part][offset...].prefix(room)
            if !rest.isEmpty {
                if buffer == nil { buffer = allocator.buffer(capacity: min(limit, left)) }
                buffer?.writeBytes(rest)
                room -= rest.count
                left -= rest.count
                offset += rest.count
            }
            if offset == parts[part].count {
                part += 1
                offset = 0
            }
        }
        return buffer
    }
}
