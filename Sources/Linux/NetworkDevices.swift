import CLaunch
import Glibc
import Launch

/// Network devices that change their namespace. Every call blocks.
package enum NetworkDevices {
    /// Takes a device of the caller's network namespace to that of a process, where it is called `name`, has its addresses that are to last, and is up. One that
    /// fails stays where it was.
    /// - Throws: ENODEV where there is none of the name here, EEXIST where its new name is taken there.
    package static func give(_ device: String, as name: String, to processID: Int32) throws(KernelError) {
        let namespace = try Descriptor.open("/proc/\(processID)/ns/net", O_RDONLY)
        var moved = crt_moved()
        defer { crt_forget_device(&moved) }
        let code = crt_move_device(device, namespace.raw, name, &moved)
        guard code == 0 else { throw KernelError("move network device", device, -code) }
    }

    /// Those in the network namespace of a process.
    package static func names(of processID: Int32) throws(KernelError) -> [String] {
        names(in: String(decoding: try WholeFile.read("/proc/\(processID)/net/dev", limit: 1 << 20), as: UTF8.self))
    }

    /// - Parameter table: `net/dev` of procfs, which begins with two lines of headings.
    static func names(in table: String) -> [String] {
        table.split(separator: "\n").dropFirst(2).compactMap { line in
            line.firstIndex(of: ":").map { line[..<$0].trimmingPrefix { $0 == " " } }.map(String.init)
        }
    }
}
