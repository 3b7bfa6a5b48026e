import Glibc

/// Sizes of huge pages, in KiB, and their names in cgroups and configurations: "64KB", "2MB", "1GB".
enum PageSizes {
    private static let units: [(name: String, kibibytes: UInt64)] = [("GB", 1 << 20), ("MB", 1 << 10), ("KB", 1)]

    /// Nil where it is no size.
    static func kibibytes(_ name: String) -> UInt64? {
        guard let unit = units.first(where: { name.hasSuffix($0.name) }),
            let number = UInt64(name.dropLast(unit.name.count)), number < 1 << 32
        else { return nil }
        return number * unit.kibibytes
    }

    static func name(_ size: UInt64) -> String {
        let unit = units.first { size % $0.kibibytes == 0 && size > 0 } ?? units[2]
        return "\(size / unit.kibibytes)\(unit.name)"
    }

    /// From the names of /sys/kernel/mm/hugepages, such as "hugepages-2048kB".
    static func ofThisKernel() -> [UInt64] {
        guard let folder = opendir("/sys/kernel/mm/hugepages") else { return [] }
        defer { closedir(folder) }
        var sizes: [UInt64] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let size = UInt64(name.dropFirst("hugepages-".count).dropLast("kB".count)) { sizes.append(size) }
        }
        return sizes
    }
}
