/// A query as it came: its question, and the parts that the answer must repeat.
package struct DNSQuery: Hashable, Sendable {
    package let id: UInt16
    package let opcode: UInt8
    package let isRecursionDesired: Bool
    package let name: DNSName
    package let type: DNSType
    package let recordClass: UInt16
    /// The question's bytes, whose spelling (upper and lower case) the answer keeps.
    package let question: [UInt8]
    /// The size of the largest datagram the client takes, where it said so by EDNS.
    package let datagramSize: UInt16?

    package enum Unreadable: Error, Hashable {
        /// Not worth an answer: a response, or shorter than a header.
        case ignore
        /// The header can be read, the rest not.
        case malformed(id: UInt16)
    }

    package static func parse(_ bytes: [UInt8]) -> Result<DNSQuery, Unreadable> {
        var reader = DNSReader(bytes)
        guard let id = reader.uint16(), let flags = reader.uint16(), let questions = reader.uint16(),
            let answers = reader.uint16(), let authorities = reader.uint16(), let additionals = reader.uint16(),
            flags & 0x8000 == 0
        else { return .failure(.ignore) }
        let start = reader.offset
        guard questions == 1, let name = reader.name(), let type = reader.uint16(), let recordClass = reader.uint16()
        else { return .failure(.malformed(id: id)) }
        let question = Array(bytes[start..<reader.offset])
        let others = Int(answers) + Int(authorities) + Int(additionals)
        return .success(
            DNSQuery(
                id: id, opcode: UInt8(flags >> 11 & 0xf), isRecursionDesired: flags & 0x0100 != 0, name: name,
                type: DNSType(type), recordClass: recordClass, question: question,
                datagramSize: Self.datagramSize(&reader, records: others)))
    }

    /// From the OPT record, whose class is the size (RFC 6891).
    private static func datagramSize(_ reader: inout DNSReader, records: Int) -> UInt16? {
        for _ in 0..<min(records, 16) {
            guard reader.name() != nil, let type = reader.uint16(), let size = reader.uint16(), reader.uint32() != nil,
                let length = reader.uint16(), reader.take(Int(length)) != nil
            else { return nil }
            if DNSType(type) == .opt { return size }
        }
        return nil
    }
}
