import CRI
import Glibc
import Linux

extension SystemKernel {
    package func tally(_ processes: [Int32]) -> ProcessTally {
        var tally = ProcessTally()
        for process in processes {
            let status = hostFile("/proc/\(process)/status")
            if status.isEmpty { continue }
            if tally.processes == 0 {
                tally.openFilesLimit = ProcFiles.openFilesLimit(hostFile("/proc/\(process)/limits"))
            }
            tally.add(status: status)
            let descriptors = Self.descriptors(of: process)
            tally.descriptors += descriptors.all
            tally.sockets += descriptors.sockets
        }
        return tally
    }

    package func mayHoldMore(than limit: UInt64, _ processes: [Int32]) -> Bool {
        held(["RssAnon:", "RssShmem:"], "status", processes) > limit
    }

    package func holdMore(than limit: UInt64, _ processes: [Int32]) -> Bool {
        held(["Pss_Anon:", "Pss_Shmem:"], "smaps_rollup", processes) > limit
    }

    private func held(_ fields: Set<Substring>, _ file: String, _ processes: [Int32]) -> UInt64 {
        processes.reduce(0) { $0 &+ ProcFiles.bytes(of: fields, hostFile("/proc/\($1)/\(file)")) }
    }

    private static func descriptors(of process: Int32) -> (all: UInt64, sockets: UInt64) {
        guard let directory = try? OpenDirectory("/proc/\(process)/fd"), let names = try? directory.fileNames() else {
            return (0, 0)
        }
        let sockets = names.count { (try? directory.linkTarget(of: $0))?.starts(with: "socket:") == true }
        return (UInt64(names.count), UInt64(sockets))
    }

    private static let hugePages = "/sys/kernel/mm/hugepages"

    package func hugePageSizes() -> [String] {
        guard let names = try? OpenDirectory(Self.hugePages).names() else { return [] }
        return names.compactMap(ProcFiles.hugePageSize).sorted()
    }

    /// Whether a process can get a huge page, set aside already or when it asks.
    func hasHugePages() -> Bool {
        guard let names = try? OpenDirectory(Self.hugePages).names() else { return false }
        return names.contains { name in
            ["nr_hugepages", "nr_overcommit_hugepages"].contains { file in
                (CgroupFiles.number(hostFile("\(Self.hugePages)/\(name)/\(file)")) ?? 0) > 0
            }
        }
    }

    package func capacity(of path: String) -> FilesystemCapacity? {
        var disk = statvfs()
        guard statvfs(path, &disk) == 0 else { return nil }
        let (bytes, overflow) = UInt64(disk.f_blocks).multipliedReportingOverflow(by: UInt64(disk.f_frsize))
        return FilesystemCapacity(
            bytes: overflow ? .max : bytes, inodes: UInt64(disk.f_files), freeInodes: UInt64(disk.f_ffree))
    }
}

extension ProcessTally {
    /// - Parameter text: /proc/PID/status.
    mutating func add(status text: String) {
        processes += 1
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
            guard words.count > 1, let number = UInt64(words[1]) else { continue }
            let bytes = number.multipliedReportingOverflow(by: 1_024).partialValue
            switch words[0] {
            case "Threads:": threads &+= number
            case "RssAnon:": anonymous &+= bytes
            case "RssFile:": mappedFile &+= bytes
            case "RssShmem:": shared &+= bytes
            case "VmSwap:": swap &+= bytes
            case "VmPTE:": pageTables &+= bytes
            case "VmHWM:": peak &+= bytes
            default: continue
            }
        }
    }
}

/// Texts of /proc and /sys.
enum ProcFiles {
    /// The sum of fields that are told in kB.
    static func bytes(of fields: Set<Substring>, _ text: String) -> UInt64 {
        text.split(separator: "\n").reduce(0) { sum, line in
            let words = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
            guard words.count > 1, fields.contains(words[0]), let number = UInt64(words[1]) else { return sum }
            return sum &+ number.multipliedReportingOverflow(by: 1_024).partialValue
        }
    }

    /// The soft limit in /proc/PID/limits; nil: none.
    static func openFilesLimit(_ text: String) -> UInt64? {
        let line = text.split(separator: "\n").first { $0.hasPrefix("Max open files") }
        return line?.dropFirst("Max open files".count).split(separator: " ").first.flatMap { UInt64($0) }
    }

    /// `hugepages-2048kB` as `2MB`.
    static func hugePageSize(_ name: String) -> String? {
        guard name.hasPrefix("hugepages-"), name.hasSuffix("kB"), var size = UInt64(name.dropFirst(10).dropLast(2))
        else {
            return nil
        }
        var units = ["KB", "MB", "GB"][...]
        while size % 1_024 == 0 && units.count > 1 {
            size /= 1_024
            units.removeFirst()
        }
        return "\(size)\(units[units.startIndex])"
    }
}
