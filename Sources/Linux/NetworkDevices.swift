import CLaunch
import Glibc
import Launch

/// Network devices that change their namespace. Every call blocks.
package enum NetworkDevices {
    /// Takes a device of the caller's network namespace to that of a process, where it is called `name`, has its addresses that are to last, and is up. One that
    /// fails stays where it was.
    /// - Returns: its number there.
    /// - Throws: ENODEV where there is none of the name here, EEXIST where its new name is taken there.
    package static func give(_ device: String, as name: String, to processID: Int32) throws(KernelError) -> Int32 {
        let namespace = try Descriptor.open("/proc/\(processID)/ns/net", O_RDONLY)
        var moved = crt_moved()
        defer { crt_forget_device(&moved) }
        let code = crt_move_device(device, namespace.raw, name, &moved)
        guard code == 0 else { throw KernelError("move network device", device, -code) }
        return moved.number
    }

    /// Those in the network namespace of a process, with their numbers.
    package static func all(of processID: Int32) throws(KernelError) -> [String: Int32] {
        let namespace = try Descriptor.open("/proc/\(processID)/ns/net", O_RDONLY)
        let table = try WholeFile.read("/proc/\(processID)/net/dev", limit: 1 << 20)
        var devices: [String: Int32] = [:]
        for name in names(in: String(decoding: table, as: UTF8.self)) {
            let number = crt_device_number(namespace.raw, name)
            guard number != -ENODEV else { continue }
            guard number > 0 else { throw KernelError("look up network device", name, -number) }
            devices[name] = number
        }
        return devices
    }

    /// - Parameter table: `net/dev` of procfs, which begins with two lines of headings.
    static func names(in table: String) -> [String] {
        table.split(separator: "\n").dropFirst(2).compactMap { line in
            line.firstIndex(of: ":").map { line[..<$0].trimmingPrefix { $0 == " " } }.map(String.init)
        }
    }
}
