import CFiles
import Glibc

/// Extended attributes, shared bytes and device numbers of open files.
package enum FileAttributes {
    /// Every extended attribute of an open file, sorted by name. Empty where the filesystem has none. At most 64 KiB of each.
    package static func all(
        _ descriptor: borrowing Descriptor, path: some CustomStringConvertible
    ) throws(KernelError) -> [(FilePath, [UInt8])] {
        var names = [CChar](repeating: 0, count: 64 << 10)
        let length = cf_attribute_names(descriptor.raw, &names, UInt64(names.count))
        if length == Int64(-EOPNOTSUPP) || length == 0 { return [] }
        guard length > 0 else { throw KernelError("list attributes of", path, Int32(-length)) }
        var result: [(FilePath, [UInt8])] = []
        for bytes in names.prefix(Int(length)).split(separator: 0) {
            let name = FilePath(cString: Array(bytes) + [0])
            if let value = try value(descriptor, name, path: path) { result.append((name, value)) }
        }
        return result.sorted { $0.0 < $1.0 }
    }

    private static func value(
        _ descriptor: borrowing Descriptor, _ name: FilePath, path: some CustomStringConvertible
    ) throws(KernelError) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let length = cf_attribute(descriptor.raw, name.cString, &bytes, UInt64(bytes.count))
        if length == Int64(-ENODATA) { return nil }
        guard length >= 0 else { throw KernelError("read attribute \(name) of", path, Int32(-length)) }
        return Array(bytes.prefix(Int(length)))
    }

    package static func set(
        _ descriptor: borrowing Descriptor, _ name: FilePath, _ value: [UInt8], path: some CustomStringConvertible
    ) throws(KernelError) {
        let code = cf_set_attribute(descriptor.raw, name.cString, value, UInt64(value.count))
        guard code == 0 else { throw KernelError("set attribute \(name) of", path, -code) }
    }

    /// Makes `target` share the bytes of `source` without copying. False where the filesystem cannot.
    package static func shareBytes(of source: borrowing Descriptor, with target: borrowing Descriptor) -> Bool {
        cf_share_bytes(target.raw, source.raw) == 0
    }

    package static func syncFilesystem(of descriptor: borrowing Descriptor, path: some CustomStringConvertible)
        throws(KernelError)
    {
        let code = cf_sync_filesystem(descriptor.raw)
        guard code == 0 else { throw KernelError("sync filesystem of", path, -code) }
    }

    package static func deviceNumbers(_ device: UInt64) -> (major: UInt32, minor: UInt32) {
        (cf_device_major(device), cf_device_minor(device))
    }
}

/// Bytes from the kernel's random source.
package func randomBytes(_ count: Int) throws(KernelError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: min(count, 256))
    let code = cf_random(&bytes, UInt64(bytes.count))
    guard code == 0 else { throw KernelError("getrandom", "\(count) bytes", -code) }
    return bytes
}
