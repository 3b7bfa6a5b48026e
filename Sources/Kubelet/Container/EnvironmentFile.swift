/// A file of variables that a container of the pod has written (KEP-3721), in a part of the shell's own form: lines of `NAME='VALUE'`, where a value is taken
/// letter by letter and may have several lines. Comments and empty lines are passed over; a blank after `=` makes an empty value.
struct EnvironmentFile: Sendable {
    /// Upstream reads no longer line; here it is the whole file, in bytes.
    static let limit = 1 << 20

    /// Why it cannot be read, with the line, counted from 1.
    struct Fault: Error, Sendable, Hashable, CustomStringConvertible {
        let line: Int
        let cause: String

        var description: String { "line \(line): \(cause)" }
    }

    private let lines: [Substring]

    init(_ bytes: [UInt8]) {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        self.lines = lines.map { line in
            Substring(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
        }
    }

    /// The first value of a name, nil where it is not among the lines.
    /// - Throws: for a fault before that.
    func value(of name: String) throws(Fault) -> String? {
        var lines = lines[...]
        while let first = lines.popFirst() {
            let number = lines.startIndex
            let line = first.drop(while: Self.isBlank)
            if line.isEmpty || line.hasPrefix("#") { continue }
            guard let equals = line.firstIndex(of: "=") else { throw Fault(line: number, cause: "it has no =") }
            let found = line[..<equals]
            guard let last = found.last else { throw Fault(line: number, cause: "there is no name before =") }
            guard !Self.isBlank(last) else { throw Fault(line: number, cause: "there is a blank before =") }
            let rest = line[equals...].dropFirst()
            let value = rest.first.map(Self.isBlank) == true ? "" : try Self.quoted(rest, &lines, at: number)
            if found == name { return value }
        }
        return nil
    }

    /// - Parameter lines: those after the first, of which it takes what belongs to the value.
    private static func quoted(
        _ first: Substring, _ lines: inout ArraySlice<Substring>, at number: Int
    ) throws(Fault) -> String {
        guard first.hasPrefix("'") else { throw Fault(line: number, cause: "the value is not in single quotes") }
        var (value, rest) = ("", first.dropFirst())
        while true {
            if let end = rest.firstIndex(of: "'") {
                let after = rest[end...].dropFirst().drop(while: isBlank)
                guard after.isEmpty || after.hasPrefix("#") else {
                    throw Fault(line: lines.startIndex, cause: "something comes after the closing quote")
                }
                return value + rest[..<end]
            }
            value += rest + "\n"
            guard let next = lines.popFirst() else { throw Fault(line: number, cause: "its quote is not closed") }
            rest = next
        }
    }

    private static func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }
}
