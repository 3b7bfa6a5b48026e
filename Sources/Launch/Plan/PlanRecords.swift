import Glibc

/// Writes the records of a flat plan: kind, length, payload, zeroes up to a multiple of eight.
struct PlanRecords {
    private var content = Payload(bytes: [])

    var bytes: [UInt8] { content.bytes }

    init() { content.bytes.reserveCapacity(8 << 10) }

    /// All that is written, while one record's payload is added to it.
    struct Payload {
        fileprivate(set) var bytes: [UInt8]

        mutating func append(_ number: some FixedWidthInteger) {
            withUnsafeBytes(of: number) { bytes.append(contentsOf: $0) }
        }

        /// The text and its NUL.
        mutating func append(_ text: String) {
            bytes.append(contentsOf: text.utf8)
            bytes.append(0)
        }

        mutating func append(raw: [UInt8]) { bytes.append(contentsOf: raw) }
    }

    mutating func add<Kind: BinaryInteger>(_ kind: Kind, _ fill: (inout Payload) -> Void) {
        let start = content.bytes.count
        content.append(UInt64(truncatingIfNeeded: kind))
        fill(&content)
        let length = UInt32(truncatingIfNeeded: content.bytes.count - start - 8)
        content.bytes.withUnsafeMutableBytes { $0.storeBytes(of: length, toByteOffset: start + 4, as: UInt32.self) }
        content.bytes.append(contentsOf: repeatElement(0, count: -content.bytes.count & 7))
    }

    /// A record of strings. EINVAL where one holds a NUL.
    mutating func add<Kind: BinaryInteger>(_ kind: Kind, _ texts: String...) throws(KernelError) {
        for text in texts { try PlanRecords.check(text) }
        add(kind) { for text in texts { $0.append(text) } }
    }

    static func check(_ text: String) throws(KernelError) {
        if text.utf8.contains(0) { throw KernelError("encode", "text with a NUL byte", EINVAL) }
    }
}
