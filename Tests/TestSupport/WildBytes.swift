import Glibc

/// Files that are almost right: bytes changed, taken out, doubled and cut off at random. Whoever reads files must survive them. A seed replays them.
package struct WildBytes {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    }

    /// The seeds of a test's cases: 1 to `count`, or those that `WILD_SEED` names to replay them.
    package static func seeds(_ count: UInt64) -> ClosedRange<UInt64> {
        guard let text = getenv("WILD_SEED").map({ String(cString: $0) }) else { return 1...count }
        let ends = text.split(separator: "-").compactMap { UInt64($0) }
        guard let first = ends.first, let last = ends.last, first <= last else { return 1...count }
        return first...last
    }

    package mutating func next(below bound: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(max(1, bound)))
    }

    /// `whole` with one to four places of it changed.
    package mutating func mutated(_ whole: [UInt8]) -> [UInt8] {
        var bytes = whole
        for _ in 0...next(below: 4) { change(&bytes) }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return bytes.append(UInt8(next(below: 256))) }
        let place = next(below: bytes.count)
        let length = min(bytes.count - place, 1 + next(below: 16))
        switch next(below: 6) {
        case 0: bytes[place] = UInt8(next(below: 256))
        case 1: bytes[place] ^= 1 << next(below: 8)
        case 2: bytes.removeSubrange(place..<(place + length))
        case 3: bytes.insert(contentsOf: bytes[place..<(place + length)], at: next(below: bytes.count))
        case 4: bytes.insert(UInt8(next(below: 256)), at: place)
        default: if next(below: 8) == 0 { bytes.removeSubrange(place...) } else { bytes[place] = bytes[length - 1] }
        }
    }
}
