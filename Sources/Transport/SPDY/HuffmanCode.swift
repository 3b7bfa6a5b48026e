/// A canonical Huffman code, given by the length of each symbol's word (RFC 1951, 3.2.2).
struct HuffmanCode {
    /// How many words each length has; lengths are 1 to 15.
    private var counts = [Int](repeating: 0, count: 16)
    /// The symbols in order of their words.
    private var symbols: [Int]

    /// - Throws: where more words are asked for than there are.
    init(lengths: ArraySlice<Int>) throws(SPDYError) {
        for length in lengths where (1...15).contains(length) { counts[length] += 1 }
        var left = 1
        for length in 1...15 {
            left = left * 2 - counts[length]
            guard left >= 0 else { throw .compression("a code has too many words") }
        }
        var offsets = [Int](repeating: 0, count: 17)
        for length in 1...15 { offsets[length + 1] = offsets[length] + counts[length] }
        symbols = [Int](repeating: 0, count: offsets[16])
        for (symbol, length) in zip(0..., lengths) where (1...15).contains(length) {
            symbols[offsets[length]] = symbol
            offsets[length] += 1
        }
    }

    func decode(_ reader: inout BitReader) throws(SPDYError) -> Int {
        var word = 0
        var first = 0
        var index = 0
        for length in 1...15 {
            word |= try reader.read(1)
            let count = counts[length]
            if word - first < count { return symbols[index + word - first] }
            index += count
            first = (first + count) << 1
            word <<= 1
        }
        throw .compression("no symbol has this word")
    }
}
