import CFiles
import Glibc

extension WholeFile {
    /// Copies what is left of one file to the end of another. Holes stay holes.
    package static func copy(
        from source: borrowing Descriptor, to target: borrowing Descriptor, path: String
    ) throws(KernelError) {
        let (start, base) = (lseek(source.raw, 0, SEEK_CUR), lseek(target.raw, 0, SEEK_END))
        guard start >= 0, base >= 0 else { throw KernelError("seek", path) }
        var offset = start
        while true {
            let data = off_t(cf_next_data(source.raw, Int64(offset)))
            // Nothing is left, or a hole.
            if data == -off_t(ENXIO) { break }
            let end = data < 0 ? data : off_t(cf_next_hole(source.raw, Int64(data)))
            guard end >= 0 else { throw KernelError("seek", path, Int32(-end)) }
            guard lseek(source.raw, data, SEEK_SET) >= 0, lseek(target.raw, base + data - start, SEEK_SET) >= 0
            else { throw KernelError("seek", path) }
            try copyBytes(Int(end - data), from: source, to: target, path: path)
            offset = end
        }
        let end = lseek(source.raw, 0, SEEK_END)
        guard end >= 0, ftruncate(target.raw, base + max(0, end - start)) == 0, lseek(target.raw, 0, SEEK_END) >= 0
        else { throw KernelError("extend", path) }
    }

    /// So many bytes, or less where the file has become shorter.
    private static func copyBytes(
        _ count: Int, from source: borrowing Descriptor, to target: borrowing Descriptor, path: String
    ) throws(KernelError) {
        var buffer = [UInt8](repeating: 0, count: min(count, 256 << 10))
        var left = count
        while left > 0 {
            let count = Glibc.read(source.raw, &buffer, min(left, buffer.count))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw KernelError("read", path) }
            if count == 0 { return }
            try write(count == buffer.count ? buffer : Array(buffer[..<count]), to: target, path: path)
            left -= count
        }
    }
}
