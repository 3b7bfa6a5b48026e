import Glibc
import Linux

/// The real kernel. Every call blocks.
package struct SystemKernel: RuntimeKernel {
    package init() {}

    package func bootID() throws(KernelError) -> String {
        Self.text(try WholeFile.readPseudo("/proc/sys/kernel/random/boot_id")).filter { !$0.isWhitespace }
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
        let flags = UInt(MS_NOSUID) | UInt(MS_NODEV) | UInt(MS_NOEXEC)
        guard mount("shm", path, "tmpfs", flags, "mode=1777,size=65536k") == 0 else { throw KernelError("mount", path) }
    }

    package func unmount(_ path: String) throws(KernelError) {
        // Several may lie on each other after a crash in between.
        while umount2(path, Int32(MNT_DETACH) | Int32(UMOUNT_NOFOLLOW)) == 0 {}
        guard errno == EINVAL || errno == ENOENT else { throw KernelError("unmount", path) }
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

    /// Where the unified cgroup hierarchy is mounted, nil where it is not.
    package static func unifiedCgroupMount(in table: String) -> String? {
        for line in table.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let separator = fields.firstIndex(of: "-"), separator + 1 < fields.count, fields.count > 4 else {
                continue
            }
            if fields[separator + 1] == "cgroup2" { return unescaped(fields[4]) }
        }
        return nil
    }
}
