import Glibc

/// What is mounted in this process's mount namespace, as the kernel lists it.
package enum MountTable {
    /// The places beneath `path` (itself left out) where something is mounted, deepest first.
    package static func places(beneath path: String) throws(KernelError) -> [String] {
        let text = try WholeFile.readPseudo("/proc/self/mountinfo", limit: 64 << 20)
        return places(beneath: path, in: String(decoding: text, as: UTF8.self))
    }

    static func places(beneath path: String, in text: String) -> [String] {
        let places = text.split(separator: "\n").compactMap { line -> String? in
            let fields = line.split(separator: " ")
            guard fields.count > 4 else { return nil }
            let place = unescaped(fields[4])
            return place.hasPrefix(path + "/") ? place : nil
        }
        return places.sorted { $0.utf8.count > $1.utf8.count }
    }

    /// Names as the table writes them: space, tab, newline and backslash as three octal digits.
    static func unescaped(_ field: Substring) -> String {
        guard field.contains("\\") else { return String(field) }
        let bytes = Array(field.utf8)
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
        return String(decoding: result, as: UTF8.self)
    }
}
