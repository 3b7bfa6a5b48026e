/// Finds ctrl-p ctrl-q among what is typed.
struct DetachKeys: Sendable, Hashable {
    private static let first: UInt8 = 0x10
    private static let second: UInt8 = 0x11

    /// The first has been typed, and is held back.
    private var isHalf = false
    private(set) var areComplete = false

    /// What of it is meant for the program.
    mutating func passed(_ bytes: [UInt8]) -> [UInt8] {
        var passed: [UInt8] = []
        for byte in bytes {
            if isHalf && byte == Self.second {
                areComplete = true
                return passed
            }
            if isHalf { passed.append(Self.first) }
            isHalf = byte == Self.first
            if !isHalf { passed.append(byte) }
        }
        return passed
    }
}
