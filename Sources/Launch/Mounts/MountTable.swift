import Glibc

/// What is mounted in this process's mount namespace, as the kernel lists it.
package enum MountTable {
    /// The places beneath `path` (itself left out) where something is mounted, deepest first.
    package static func places(beneath path: String) throws(KernelError) -> [FilePath] {
        places(beneath: path, in: try WholeFile.readPseudo("/proc/self/mountinfo", limit: 64 << 20))
    }

    /// By bytes: who shares mounts with the node chooses their names.
    static func places(beneath path: String, in text: [UInt8]) -> [FilePath] {
        let places = text.split(separator: UInt8(ascii: "\n")).compactMap { line -> FilePath? in
            let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
            guard fields.count > 4 else { return nil }
            let place = FilePath(bytes: unescaped(fields[4]))
            return place.isBeneath(path) ? place : nil
        }
        return places.sorted { $0.count > $1.count }
    }

    /// Names as the table writes them: space, tab, newline and backslash as three octal digits.
    static func unescaped(_ field: some Sequence<UInt8>) -> [UInt8] {
        let bytes = Array(field)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == 92, index + 3 < bytes.count,
                let value = UInt8(String(decoding: bytes[(index + 1)...(index + 3)], as: UTF8.self), radix: 8)
            {
                result.append(value)
                index += 4
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return result
    }
}
