import Glibc

/// A kernel setting under `/proc/sys/net`, as the calling thread's network namespace sees it.
package struct NetworkSysctl: Hashable, Sendable {
    /// Below `/proc/sys/net`, such as `ipv4/ip_forward`.
    package let name: String

    package init(_ name: String) {
        self.name = name
    }

    private var path: String { "/proc/sys/net/\(name)" }

    /// The value without its line end. ENOENT where this kernel has no such setting.
    package func read() throws(NetlinkError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw NetlinkError("read", path, code: errno) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw NetlinkError("read", path, code: errno) }
        let line = bytes.prefix(count).prefix { $0 != UInt8(ascii: "\n") }
        return String(decoding: line, as: UTF8.self)
    }

    package func write(_ value: String) throws(NetlinkError) {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw NetlinkError("write", path, code: errno) }
        defer { close(descriptor) }
        let bytes = Array(value.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw NetlinkError("write", path, code: errno)
        }
    }
}
