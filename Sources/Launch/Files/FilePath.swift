import Glibc

/// A name or a path as the kernel has it: any bytes but NUL. Names that only look alike are two, which they would not be as strings.
package struct FilePath: Sendable, Hashable, Comparable, CustomStringConvertible, ExpressibleByStringLiteral {
    /// With its NUL, for calls.
    package private(set) var cString: [CChar]

    /// Up to its first NUL, as the kernel would read it.
    package init(_ text: String) { self = text.withCString { FilePath(cString: $0) } }

    package init(stringLiteral text: String) { self.init(text) }

    /// Up to the first NUL, as the kernel would read them.
    package init(bytes: some Collection<UInt8>) {
        var cString: [CChar] = []
        cString.reserveCapacity(bytes.count + 1)
        for byte in bytes {
            if byte == 0 { break }
            cString.append(CChar(bitPattern: byte))
        }
        cString.append(0)
        self.cString = cString
    }

    package init(cString text: UnsafePointer<CChar>) {
        cString = Array(UnsafeBufferPointer(start: text, count: strlen(text) + 1))
    }

    package init(of entry: UnsafeMutablePointer<dirent>) {
        self = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            pointer.withMemoryRebound(to: CChar.self, capacity: 256) { FilePath(cString: $0) }
        }
    }

    /// Names in a directory one within the other; `.` for none. An empty one is none: it would make the path begin at the root.
    package init(_ components: some Collection<FilePath>) {
        var cString: [CChar] = []
        cString.reserveCapacity(components.reduce(2) { $0 + $1.cString.count })
        for component in components where component.count > 0 {
            cString += component.cString
            cString[cString.count - 1] = Self.slash
        }
        if cString.isEmpty { cString = [CChar(bitPattern: UInt8(ascii: ".")), 0] }
        cString[cString.count - 1] = 0
        self.cString = cString
    }

    private static let slash = CChar(bitPattern: UInt8(ascii: "/"))

    // MARK: - Bytes

    /// Without the NUL.
    package var count: Int { cString.count - 1 }

    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        cString.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0.dropLast())) }
    }

    package var bytes: [UInt8] { withBytes { Array($0) } }

    package static func == (a: FilePath, b: FilePath) -> Bool {
        a.cString.count == b.cString.count && memcmp(a.cString, b.cString, a.cString.count) == 0
    }

    package static func < (a: FilePath, b: FilePath) -> Bool { strcmp(a.cString, b.cString) < 0 }

    package func hash(into hasher: inout Hasher) { cString.withUnsafeBytes { hasher.combine(bytes: $0) } }

    package func starts(with text: StaticString) -> Bool {
        count >= text.utf8CodeUnitCount && memcmp(cString, text.utf8Start, text.utf8CodeUnitCount) == 0
    }

    package func dropFirst(_ count: Int) -> FilePath { FilePath(bytes: bytes.dropFirst(count)) }

    /// For people, and for names that are known to be UTF-8: what is none is mended.
    package var description: String { withBytes { String(decoding: $0, as: UTF8.self) } }

    /// Whether it is UTF-8.
    package var isText: Bool { withBytes { String(validating: $0, as: UTF8.self) } != nil }

    // MARK: - Components

    /// `.` or `..`.
    package var isDots: Bool { self == "." || self == ".." }

    package var isAbsolute: Bool { cString[0] == Self.slash }

    /// What stands between the slashes; nothing for two that follow each other.
    package var components: [FilePath] {
        var found: [FilePath] = []
        var start = 0
        for index in cString.indices where cString[index] == Self.slash || cString[index] == 0 {
            if start < index { found.append(FilePath(cString[start..<index])) }
            start = index + 1
        }
        return found
    }

    package func isBeneath(_ directory: String) -> Bool {
        let start = FilePath(directory + "/")
        return count > start.count && memcmp(cString, start.cString, start.count) == 0
    }

    /// The components without those that stand for the directory itself.
    package var namedComponents: [FilePath] { components.filter { $0 != "." } }

    /// All before the last slash; nil where there is none.
    package var parent: FilePath? {
        cString.lastIndex(of: Self.slash).map { FilePath(cString[..<$0]) }
    }

    /// This directory's `name`; of an empty directory the name itself, which would else begin at the root.
    package static func / (directory: FilePath, name: FilePath) -> FilePath {
        guard directory.count > 0 else { return name }
        var path = directory
        path.cString.reserveCapacity(directory.cString.count + name.cString.count)
        path.cString[directory.count] = slash
        path.cString += name.cString
        return path
    }

    private init(_ part: ArraySlice<CChar>) {
        var cString: [CChar] = []
        cString.reserveCapacity(part.count + 1)
        cString += part
        cString.append(0)
        self.cString = cString
    }
}
