import JSONTree

/// Chance that is the same in every run.
struct Dice {
    var state: UInt64

    mutating func roll(_ sides: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(sides))
    }
}

extension JSONValue {
    private static let odd: [JSONValue] = [
        .null, true, false, 0, -1, .integer(.max), .integer(.min), .number("18446744073709551615"), .number("1e400"),
        "",
        "/", "..", "a\u{0}b", "SCMP_ACT_NOTIFY", "0-9999999", "rprivate", [], [[]], [:], ["": ""], ["type": "user"],
        ["path": "/x", "type": "p"], .integer(4_294_967_295), "RLIMIT_NOFILE", "CAP_ALL", "idmap",
    ]

    /// The value with one place of it, chosen on the way down, replaced by something odd.
    func mutated(_ dice: inout Dice) -> JSONValue {
        switch self {
        case .object(var object) where !object.isEmpty && dice.roll(8) > 0:
            let members = object.members
            let member = members[dice.roll(members.count)]
            object[member.key] = dice.roll(10) == 0 ? nil : member.value.mutated(&dice)
            return .object(object)
        case .array(var elements) where !elements.isEmpty && dice.roll(6) > 0:
            let index = dice.roll(elements.count)
            elements[index] = elements[index].mutated(&dice)
            return .array(elements)
        default: return Self.odd[dice.roll(Self.odd.count)]
        }
    }
}
