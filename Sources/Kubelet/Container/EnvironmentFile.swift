/// A file of variables that a container of the pod has written (KEP-3721), in a part of the shell's own form: lines of `NAME='VALUE'`, where a value is taken
/// byte for byte and may have several lines. Comments and empty lines are passed over; a blank after `=` makes an empty value.
struct EnvironmentFile: Sendable {
    /// Upstream reads no longer line; here it is the whole file, in bytes.
    static let limit = 1 << 20
    /// Bytes of all files of one container's environment; beyond that it is not made.
    static let limitOfAll = 4 << 20
    /// Bytes of a value: no program is given a longer one (MAX_ARG_STRLEN, execve(2)).
    static let valueLimit = 128 << 10

    /// Why it cannot be read, with the line, counted from 1.
    struct Fault: Error, Sendable, Hashable, CustomStringConvertible {
        let line: Int
        let cause: String

        var description: String { "line \(line): \(cause)" }
    }

    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The first value of each name, without those that are not among the lines. Goes through the file once, no further than the last of them.
    /// - Throws: for a fault before that, and for a value that no variable can have: one that is too long, holds a NUL byte, or is no UTF-8.
    func values(of names: Set<String>) throws(Fault) -> [String: String] {
        var missing = Dictionary(names.map { (Array($0.utf8), $0) }, uniquingKeysWith: { $1 })
        var values: [String: String] = [:]
        var lines = Lines(bytes)
        while !missing.isEmpty, let first = lines.next() {
            let number = lines.number
            let line = first.drop(while: Self.isBlank)
            if line.isEmpty || line.first == UInt8(ascii: "#") { continue }
            guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else {
                throw Fault(line: number, cause: "it has no =")
            }
            let found = line[..<equals]
            guard let last = found.last else { throw Fault(line: number, cause: "there is no name before =") }
            guard !Self.isBlank(last) else { throw Fault(line: number, cause: "there is a blank before =") }
            let rest = line[equals...].dropFirst()
            let value = rest.first.map(Self.isBlank) == true ? [] : try Self.quoted(rest, &lines)
            if let name = missing.removeValue(forKey: Array(found)) { values[name] = try Self.text(value, at: number) }
        }
        return values
    }

    /// - Parameter lines: those after the first, of which it takes what belongs to the value.
    private static func quoted(_ first: ArraySlice<UInt8>, _ lines: inout Lines) throws(Fault) -> [UInt8] {
        let number = lines.number
        guard first.first == UInt8(ascii: "'") else {
            throw Fault(line: number, cause: "the value is not in single quotes")
        }
        var (value, rest) = ([UInt8](), first.dropFirst())
        while true {
            if let end = rest.firstIndex(of: UInt8(ascii: "'")) {
                let after = rest[end...].dropFirst().drop(while: isBlank)
                guard after.isEmpty || after.first == UInt8(ascii: "#") else {
                    throw Fault(line: lines.number, cause: "something comes after the closing quote")
                }
                return value + rest[..<end]
            }
            value += rest
            value.append(UInt8(ascii: "\n"))
            guard let next = lines.next() else { throw Fault(line: number, cause: "its quote is not closed") }
            rest = next
        }
    }

    private static func text(_ value: [UInt8], at line: Int) throws(Fault) -> String {
        guard value.count <= valueLimit else {
            throw Fault(line: line, cause: "the value is longer than \(valueLimit >> 10) KiB")
        }
        guard !value.contains(0) else { throw Fault(line: line, cause: "the value holds a NUL byte") }
        guard let text = String(validating: value, as: UTF8.self) else {
            throw Fault(line: line, cause: "the value is no UTF-8")
        }
        return text
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    /// One line after the other, without its end.
    private struct Lines {
        private var rest: ArraySlice<UInt8>
        /// Of the line that came last, counted from 1.
        private(set) var number = 0

        init(_ bytes: [UInt8]) {
            rest = bytes[...]
        }

        mutating func next() -> ArraySlice<UInt8>? {
            guard !rest.isEmpty else { return nil }
            let line = rest.prefix { $0 != UInt8(ascii: "\n") }
            rest = rest[line.endIndex...].dropFirst()
            number += 1
            return line.last == UInt8(ascii: "\r") ? line.dropLast() : line
        }
    }
}
