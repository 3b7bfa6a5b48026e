/// An instruction of classic BPF (linux/filter.h).
struct BPFInstruction: Equatable {
    static let load: UInt16 = 0x20
    static let jump: UInt16 = 0x05
    static let ifEqual: UInt16 = 0x15
    static let ifGreater: UInt16 = 0x25
    static let ifNotLess: UInt16 = 0x35
    static let give: UInt16 = 0x06
    static let numberOffset: UInt32 = 0
    static let architectureOffset: UInt32 = 4

    var code: UInt16
    /// How many instructions a condition passes over.
    var ifTrue: UInt8 = 0
    var ifFalse: UInt8 = 0
    var value: UInt32

    /// Nil where it is no condition that is known here.
    func holds(for loaded: UInt32) -> Bool? {
        switch code {
        case Self.ifEqual: loaded == value
        case Self.ifGreater: loaded > value
        case Self.ifNotLess: loaded >= value
        default: nil
        }
    }

    /// The values from which on it comes out otherwise than before; none where it is no condition that is known here.
    var borders: [UInt32] {
        switch code {
        case Self.ifEqual: [value, value &+ 1]
        case Self.ifGreater: [value &+ 1]
        case Self.ifNotLess: [value]
        default: []
        }
    }

    /// Whether it is a condition, of these or another kind.
    var isCondition: Bool { code & 7 == Self.jump & 7 && code != Self.jump }

    /// Where a program can go on behind it: of a condition that holds first.
    func followers(at index: Int) -> [Int] {
        if isCondition { return [index + 1 + Int(ifTrue), index + 1 + Int(ifFalse)] }
        switch code {
        case Self.give: return []
        case Self.jump: return [index + 1 + Int(value)]
        default: return [index + 1]
        }
    }

    static func decode(_ bytes: [UInt8]) -> [BPFInstruction] {
        stride(from: 0, to: bytes.count - 7, by: 8).map { at in
            bytes.withUnsafeBytes {
                BPFInstruction(
                    code: $0.loadUnaligned(fromByteOffset: at, as: UInt16.self), ifTrue: $0[at + 2],
                    ifFalse: $0[at + 3],
                    value: $0.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self))
            }
        }
    }

    static func encode(_ instructions: [BPFInstruction]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(instructions.count * 8)
        for instruction in instructions {
            withUnsafeBytes(of: instruction.code) { bytes.append(contentsOf: $0) }
            bytes.append(instruction.ifTrue)
            bytes.append(instruction.ifFalse)
            withUnsafeBytes(of: instruction.value) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }
}
