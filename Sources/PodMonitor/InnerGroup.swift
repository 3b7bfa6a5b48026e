import CLaunch

/// The group within a container's own that its first process is in. Where a container hands controllers on to groups of its own, as systemd and docker do, the
/// kernel lets no process into the one above them: an exec session then joins the first process's. runc and `swiftlet-oci` know the same way.
package enum InnerGroup {
    /// Digits of a container's identifier that its group is named by.
    private static let digits = 32

    /// Whether a launch failed for that: EBUSY, or EOPNOTSUPP.
    static func isNeeded(_ code: Int32, _ stage: UInt32) -> Bool {
        (code == -16 || code == -95) && Int(stage) == CL_STAGE_CLONE
    }

    /// Open, or negative where the process is in the container's own.
    static func open(of process: Supervised) -> Int32 {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { space in
            let got = cm_read_groups(process.pid, space.baseAddress, UInt64(space.count))
            guard got > 0 else { return -1 }
            let text = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(space)[..<Int(got)])
            guard var path = path(in: text, of: process.container) else { return -1 }
            path.append(0)
            return path.withUnsafeBufferPointer { cm_open_beneath(process.cgroup, $0.baseAddress) }
        }
    }

    /// From the container's group down; nil where a process whose file `cgroup` has this text is not beneath it.
    package static func path(in text: UnsafeRawBufferPointer, of container: [UInt8]) -> [UInt8]? {
        for line in text.split(separator: UInt8(ascii: "\n")) {
            guard line.count > 3, line.prefix(3).elementsEqual([0x30, 0x3a, 0x3a]) else { continue }
            let names = line.dropFirst(3).split(separator: UInt8(ascii: "/"))
            for (index, name) in names.enumerated()
            where name.count == digits && name.elementsEqual(container.prefix(digits)) {
                let inner = names[(index + 1)...]
                return inner.isEmpty ? nil : Array(inner.joined(separator: [UInt8(ascii: "/")]))
            }
        }
        return nil
    }
}
