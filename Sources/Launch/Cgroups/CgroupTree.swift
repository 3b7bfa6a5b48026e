import Glibc

/// A group with all beneath it. A container that may write into its group nests deeper than a path can name, with names of any bytes: so each group is
/// found in the one above, by descriptors. Holds two of them at a time, and one name for each group that was listed and not visited yet.
package enum CgroupTree {
    /// Removes the group at `path` and all beneath, deepest first; one that is gone is as good. EBUSY while processes are in one of them.
    package static func remove(_ path: FilePath) throws(KernelError) {
        if rmdir(path.cString) == 0 || errno == ENOENT { return }
        guard errno == EBUSY || errno == ENOTEMPTY else { throw KernelError("rmdir", path) }
        try walk(
            path, enter: { _ in },
            leave: { parent, name throws(KernelError) in
                guard unlinkat(parent, name.cString, AT_REMOVEDIR) == 0 || isGone(errno) else {
                    throw KernelError("rmdir a group beneath", path)
                }
            })
        guard rmdir(path.cString) == 0 || errno == ENOENT else { throw KernelError("rmdir", path) }
    }

    /// The processes of the group at `path` and of all beneath. Groups that go meanwhile, or that shut us out, have none.
    package static func processes(beneath path: FilePath) throws(KernelError) -> [Int32] {
        var found: [Int32] = []
        try walk(
            path, enter: { group throws(KernelError) in found += try processes(in: group) }, leave: { _, _ in })
        return found
    }

    /// The names of the groups directly in an open one; none where it is gone.
    private static func names(in group: Int32) throws(KernelError) -> [FilePath] {
        let copy = openat(group, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = fdopendir(copy) else {
            if isGone(errno) { return [] }
            throw KernelError("list", "a group")
        }
        defer { closedir(stream) }
        var names: [FilePath] = []
        while let entry = readdir(stream) {
            guard entry.pointee.d_type == UInt8(DT_DIR) else { continue }
            let name = FilePath(of: entry)
            if !name.isDots { names.append(name) }
        }
        return names
    }

    private static func processes(in group: Int32) throws(KernelError) -> [Int32] {
        let raw = openat(group, "cgroup.procs", O_RDONLY | O_CLOEXEC)
        if raw < 0 && (isGone(errno) || errno == EACCES) { return [] }
        guard raw >= 0 else { throw KernelError("open", "cgroup.procs") }
        do throws(KernelError) {
            let text = try WholeFile.readPseudo(Descriptor(owning: raw), path: "cgroup.procs", limit: 64 << 20)
            return String(decoding: text, as: UTF8.self).split(separator: "\n").compactMap { Int32($0) }
        } catch  where isGone(error.code) || error.code == EOPNOTSUPP {
            // A threaded group's are those of the group that it is threaded in.
            return []
        }
    }

    /// Calls `enter` with each group, a group before those in it, and `leave` with a group that all was seen of: by the one that it is in, and its name
    /// there. Into one that shuts us out, which a container without root's rights may have made, is not looked.
    private static func walk(
        _ path: FilePath, enter: (Int32) throws(KernelError) -> Void,
        leave: (Int32, FilePath) throws(KernelError) -> Void
    ) throws(KernelError) {
        let top = open(path.cString, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if top < 0 && isGone(errno) { return }
        guard top >= 0 else { throw KernelError("open", path) }
        var group = Descriptor(owning: top)
        var way: [FilePath] = []
        var pending = [try names(in: group.raw)]
        try enter(group.raw)
        while let last = pending.indices.last {
            if let name = pending[last].popLast() {
                let child = openat(group.raw, name.cString, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                if child < 0 && isGone(errno) { continue }
                if child < 0 && errno == EACCES {
                    try leave(group.raw, name)
                    continue
                }
                guard child >= 0 else { throw KernelError("open a group beneath", path) }
                group = Descriptor(owning: child)
                way.append(name)
                pending.append(try names(in: child))
                try enter(child)
            } else {
                pending.removeLast()
                guard let name = way.popLast() else { return }
                // Groups are never moved: above is where we came from.
                let parent = openat(group.raw, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                guard parent >= 0 else { throw KernelError("open the group above, beneath", path) }
                group = Descriptor(owning: parent)
                try leave(parent, name)
            }
        }
    }

    /// A group's file that was open when the group went answers ENODEV.
    private static func isGone(_ code: Int32) -> Bool { code == ENOENT || code == ENODEV }
}
