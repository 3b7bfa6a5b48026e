/// Numbers of a range that are handed out one at a time, each to one holder. The search goes round, so that a number is not handed out again right
/// after its return. Memory: one bit a number.
struct NumberPool: Sendable {
    let range: Range<Int>
    /// A number that is only handed out to who asks for it.
    private let reserved: Int?
    private var words: [UInt64]
    private var cursor: Int
    private(set) var used = 0

    init(_ range: Range<Int>, reserving reserved: Int? = nil) {
        self.range = range
        self.reserved = reserved
        words = Array(repeating: 0, count: (range.count + 63) / 64)
        cursor = range.lowerBound
    }

    func contains(_ number: Int) -> Bool {
        guard range.contains(number) else { return false }
        let bit = number - range.lowerBound
        return words[bit / 64] & 1 << UInt64(bit % 64) != 0
    }

    /// Returns whether the number was free, and inside the range.
    @discardableResult
    mutating func take(_ number: Int) -> Bool {
        guard range.contains(number), !contains(number) else { return false }
        let bit = number - range.lowerBound
        words[bit / 64] |= 1 << UInt64(bit % 64)
        used += 1
        return true
    }

    /// The next free number, nil where none is left.
    mutating func takeNext() -> Int? {
        guard used < range.count else { return nil }
        for _ in 0..<range.count {
            let candidate = cursor
            cursor = cursor + 1 < range.upperBound ? cursor + 1 : range.lowerBound
            if candidate != reserved, take(candidate) { return candidate }
        }
        return nil
    }

    mutating func giveBack(_ number: Int) {
        guard contains(number) else { return }
        let bit = number - range.lowerBound
        words[bit / 64] &= ~(1 << UInt64(bit % 64))
        used -= 1
    }
}
