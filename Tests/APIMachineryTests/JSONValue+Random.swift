import JSONTree
import TestSupport

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
