import JSONTree

/// SplitMix64: the same seed gives the same history.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: elements.indices, using: &self)]
    }
}

extension JSONValue {
    /// A random value over few keys, so that two of them overlap, without nulls.
    static func random(depth: Int, using random: inout SeededRandom) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 6 : 3), using: &random) {
        case 0: .bool(.random(using: &random))
        case 1: .integer(.random(in: 0...3, using: &random))
        case 2: .string(random.pick(["", "x", "y"]))
        case 3:
            .array((0..<Int.random(in: 0...3, using: &random)).map { _ in .random(depth: depth - 1, using: &random) })
        default: .object(object(depth: depth - 1, using: &random))
        }
    }

    static func object(depth: Int, using random: inout SeededRandom) -> JSONObject {
        JSONObject(
            (0..<Int.random(in: 0...4, using: &random)).map { _ in
                (random.pick(["a", "b", "c", "d~/"]), .random(depth: depth, using: &random))
            })
    }
}
