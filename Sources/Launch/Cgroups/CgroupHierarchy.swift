import CKernel
import Glibc

/// The machine's unified cgroup hierarchy: where it is mounted and which controllers it has.
package struct CgroupHierarchy: Sendable, Equatable {
    /// Where cgroup2 is mounted, absolute.
    package let mountPoint: String
    /// The controllers that can be used in it, such as "memory" and "cpu".
    package let controllers: Set<String>

    package init(mountPoint: String, controllers: Set<String>) {
        self.mountPoint = mountPoint
        self.controllers = controllers
    }

    /// Finds it at systemd's places, once the kernel says that it is what lies there, or else by /proc/self/mountinfo, never by a path
    /// taken for granted.
    package static func find() throws(CgroupError) -> CgroupHierarchy {
        let places: [String] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
        let usual = places.first { place in ck_is_cgroup2(place) == 1 }
        guard let mountPoint = usual == nil ? try listed() : usual else { throw .noUnifiedHierarchy }
        let list = try text(mountPoint + "/cgroup.controllers")
        return CgroupHierarchy(mountPoint: mountPoint, controllers: words(list))
    }

    private static func listed() throws(CgroupError) -> String? { mountPoint(in: try text("/proc/self/mountinfo")) }

    /// The first cgroup2 mount in a mountinfo text.
    package static func mountPoint(in mountInfo: String) -> String? {
        for line in mountInfo.utf8.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: " ")).map(Substring.init)
            guard fields.count > 6, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count else { continue }
            if fields[dash + 1] == "cgroup2" {
                return String(decoding: MountTable.unescaped(fields[4].utf8), as: UTF8.self)
            }
        }
        return nil
    }

    private static func text(_ path: String) throws(CgroupError) -> String {
        do throws(KernelError) { return try readText(path) } catch { throw .kernel(error) }
    }

    static func words(_ text: String) -> Set<String> {
        Set(text.utf8.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }.map { String(Substring($0)) })
    }
}

/// A whole small file of the kernel's, at most 1 MiB.
package func readText(_ path: String) throws(KernelError) -> String { try readText(FilePath(path)) }

package func readText(_ path: FilePath) throws(KernelError) -> String {
    String(decoding: try WholeFile.readPseudo(path, limit: 64 << 20), as: UTF8.self)
}

/// Writes a kernel's file in one piece; the file must exist.
package func writeText(_ text: String, to path: String) throws(KernelError) {
    let file = try Descriptor.open(path, O_WRONLY)
    let bytes = Array(text.utf8)
    guard write(file.raw, bytes, bytes.count) == bytes.count else { throw KernelError("write", path) }
}
