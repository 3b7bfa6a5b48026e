import JSONTree
import TestSupport

extension JSONValue {
    static let alphabet = Array("abcdefgh\"\\/\n\t\u{1}\u{7f}é√漢😀 <>&\u{2028}")

    /// A random value, at most `depth` levels deep.
    static func random(depth: Int, using random: inout SeededRandom) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 7), using: &random) {
        case 0: .null
        case 1: .bool(.random(using: &random))
        case 2: .integer(.random(in: .min ... .max, using: &random))
        case 3: .integer(.random(in: -20...20, using: &random))
        case 4: .number(["0.5", "-1e9", "18446744073709551616", "1.0"].randomElement(using: &random) ?? "2.5")
        case 5, 6: .string(text(using: &random))
        case 7:
            .array((0..<Int.random(in: 0...5, using: &random)).map { _ in .random(depth: depth - 1, using: &random) })
        default: .object(object(depth: depth - 1, using: &random))
        }
    }

    private static func object(depth: Int, using random: inout SeededRandom) -> JSONObject {
        let count = Int.random(in: 0...10, using: &random) == 0 ? 60 : Int.random(in: 0...6, using: &random)
        return JSONObject((0..<count).map { _ in (text(using: &random), .random(depth: depth, using: &random)) })
    }

    private static func text(using random: inout SeededRandom) -> String {
        String((0..<Int.random(in: 0...20, using: &random)).compactMap { _ in alphabet.randomElement(using: &random) })
    }
}
