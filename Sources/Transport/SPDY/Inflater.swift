/// Reads a zlib stream (RFC 1950) that comes in pieces, each flushed to a byte's end, as SPDY's header blocks are.
///
/// In Swift rather than by the system's zlib: what it reads comes from whoever connects, and header blocks are a few hundred bytes.
/// Holds the last 32 KiB of what was read.
struct Inflater {
    private static let windowBytes = 32 << 10
    /// Length symbols from 257: the least length and the extra bits. Distance symbols: the same.
    private static let lengths: [(base: Int, extra: Int)] =
        steps(first: 3, groups: [8, 4, 4, 4, 4, 4]) + [(258, 0)]
    private static let distances: [(base: Int, extra: Int)] = steps(
        first: 1, groups: [4] + [Int](repeating: 2, count: 13))
    private static let codeLengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

    private let dictionaryChecksum: UInt32
    /// What distances reach back into: the preset dictionary, then what was read.
    private var window: [UInt8]
    private var hasHeader = false

    init(dictionary: [UInt8]) {
        window = dictionary
        dictionaryChecksum = Adler32.of(dictionary)
    }

    /// The plain bytes of the next piece.
    /// - Throws: where it is malformed, ends within a block, or gives more than `limit` bytes; the stream cannot go on then.
    mutating func inflate(_ piece: ArraySlice<UInt8>, limit: Int) throws(SPDYError) -> [UInt8] {
        var reader = BitReader(piece)
        if !hasHeader { try readHeader(&reader) }
        var output = Output(bytes: window, limit: limit)
        while !reader.isAtEnd {
            guard try reader.read(1) == 0 else { throw .compression("the stream has ended") }
            switch try reader.read(2) {
            case 0: try stored(&reader, &output)
            case 1: try compressed(&reader, &output, Self.fixed())
            case 2: try compressed(&reader, &output, Self.dynamic(&reader))
            default: throw .compression("a block has no such type")
            }
        }
        window = Array(output.bytes.suffix(Self.windowBytes))
        return output.fresh
    }

    /// The two bytes of RFC 1950, and the checksum of the preset dictionary where they announce one.
    private mutating func readHeader(_ reader: inout BitReader) throws(SPDYError) {
        let method = try reader.read(8)
        let flags = try reader.read(8)
        guard method & 0x0F == 8, method >> 4 <= 7, (method << 8 | flags) % 31 == 0 else {
            throw .compression("this is no zlib stream")
        }
        if flags & 0x20 != 0 {
            var checksum: UInt32 = 0
            for _ in 0..<4 { checksum = checksum << 8 | UInt32(try reader.read(8)) }
            guard checksum == dictionaryChecksum else { throw .compression("the dictionary is another") }
        }
        hasHeader = true
    }

    private func stored(_ reader: inout BitReader, _ output: inout Output) throws(SPDYError) {
        reader.align()
        let length = try reader.read(16)
        guard try reader.read(16) == ~length & 0xFFFF else { throw .compression("a stored block's length is wrong") }
        try output.append(try reader.bytes(length))
    }

    private func compressed(
        _ reader: inout BitReader, _ output: inout Output, _ codes: (literals: HuffmanCode, distances: HuffmanCode)
    ) throws(SPDYError) {
        while true {
            let symbol = try codes.literals.decode(&reader)
            if symbol < 256 {
                try output.append([UInt8(symbol)])
                continue
            }
            guard symbol > 256 else { return }
            guard symbol - 257 < Self.lengths.count else { throw .compression("no length has this symbol") }
            let length = Self.lengths[symbol - 257]
            let count = length.base + (try reader.read(length.extra))
            let far = try codes.distances.decode(&reader)
            guard far < Self.distances.count else { throw .compression("no distance has this symbol") }
            let distance = Self.distances[far]
            try output.copy(count, from: distance.base + (try reader.read(distance.extra)))
        }
    }

    private static func fixed() throws(SPDYError) -> (literals: HuffmanCode, distances: HuffmanCode) {
        let lengths = (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 }
        return (
            try HuffmanCode(lengths: lengths[...]), try HuffmanCode(lengths: [Int](repeating: 5, count: 30)[...])
        )
    }

    private static func dynamic(
        _ reader: inout BitReader
    ) throws(SPDYError) -> (literals: HuffmanCode, distances: HuffmanCode) {
        let literals = try reader.read(5) + 257
        let distances = try reader.read(5) + 1
        let words = try reader.read(4) + 4
        var lengths = [Int](repeating: 0, count: 19)
        for symbol in codeLengthOrder.prefix(words) { lengths[symbol] = try reader.read(3) }
        let code = try HuffmanCode(lengths: lengths[...])
        lengths = []
        while lengths.count < literals + distances {
            let symbol = try code.decode(&reader)
            switch symbol {
            case 16:
                guard let last = lengths.last else { throw .compression("there is no length to repeat") }
                lengths += [Int](repeating: last, count: try reader.read(2) + 3)
            case 17: lengths += [Int](repeating: 0, count: try reader.read(3) + 3)
            case 18: lengths += [Int](repeating: 0, count: try reader.read(7) + 11)
            default: lengths.append(symbol)
            }
        }
        guard lengths.count == literals + distances else { throw .compression("there are too many lengths") }
        return (try HuffmanCode(lengths: lengths[..<literals]), try HuffmanCode(lengths: lengths[literals...]))
    }

    /// The tables of RFC 1951, 3.2.5: each group has one extra bit more than the one before.
    private static func steps(first: Int, groups: [Int]) -> [(base: Int, extra: Int)] {
        var base = first
        return zip(0..., groups).flatMap { extra, size in
            (0..<size).map { _ in
                defer { base += 1 << extra }
                return (base, extra)
            }
        }
    }

    /// What was read before and what is being read, in one array that distances reach back into.
    private struct Output {
        var bytes: [UInt8]
        private let start: Int
        private let limit: Int

        init(bytes: [UInt8], limit: Int) {
            self.bytes = bytes
            start = bytes.count
            self.limit = limit
        }

        var fresh: [UInt8] { Array(bytes[start...]) }

        mutating func append(_ more: ArraySlice<UInt8>) throws(SPDYError) {
            try reserve(more.count)
            bytes += more
        }

        mutating func copy(_ count: Int, from distance: Int) throws(SPDYError) {
            try reserve(count)
            guard distance <= bytes.count, distance <= Inflater.windowBytes else {
                throw .compression("a distance reaches before the beginning")
            }
            for _ in 0..<count { bytes.append(bytes[bytes.count - distance]) }
        }

        private func reserve(_ count: Int) throws(SPDYError) {
            guard bytes.count - start + count <= limit else {
                throw .compression("a header block is over \(limit) bytes when unpacked")
            }
        }
    }
}

/// The checksum of RFC 1950, 8.2.
enum Adler32 {
    static func of(_ bytes: [UInt8]) -> UInt32 {
        var (low, high): (UInt32, UInt32) = (1, 0)
        for byte in bytes {
            low = (low + UInt32(byte)) % 65_521
            high = (high + low) % 65_521
        }
        return high << 16 | low
    }
}
