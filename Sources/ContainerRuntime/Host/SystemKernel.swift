import Glibc
import Linux

/// The real kernel. Every call blocks.
package struct SystemKernel: RuntimeKernel {
    package init() {}

    package func bootID() throws(KernelError) -> String {
        try readText("/proc/sys/kernel/random/boot_id").filter { !$0.isWhitespace }
    }

    package func hostName() -> String {
        var name = utsname()
        guard uname(&name) == 0 else { return "localhost" }
        return withUnsafeBytes(of: &name.nodename) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    package func hostFile(_ path: String) -> String {
        (try? WholeFile.read(path, limit: 256 << 10)).map { Self.text($0) } ?? ""
    }

    // MARK: Mounts

    package func mountSharedMemory(_ path: String) throws(KernelError) {
        try WholeFile.makeDirectories(path, mode: 0o700)
        try HostMount.tmpfs(at: path, options: ["mode": "1777", "size": "65536k"])
    }

    package func unmount(_ path: String) throws(KernelError) {
        try HostMount.detach(path)
    }

    package func mounts(beneath path: String) throws(KernelError) -> [String] {
        let table = Self.text(try WholeFile.readPseudo("/proc/self/mountinfo", limit: 64 << 20))
        let targets = table.split(separator: "\n").compactMap { line -> String? in
            let fields = line.split(separator: " ")
            guard fields.count > 4 else { return nil }
            let target = MountTable.unescaped(fields[4])
            return target.hasPrefix(path + "/") ? target : nil
        }
        return targets.sorted { $0.utf8.count > $1.utf8.count }
    }

    static func text(_ bytes: [UInt8]) -> String {
        String(decoding: bytes, as: UTF8.self)
    }
}

/// Reads the kernel's mount table.
enum MountTable {
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
