import Glibc
import Linux

extension LayerExtractor {
    /// Makes one member. What stood at its name is replaced, never written through.
    func make(_ entry: TarEntry, at path: LayerPath, _ reader: TarReader) throws(KernelError) -> ArchiveError? {
        let holder = try directory(path.parent)
        if entry.kind == .directory {
            try makeDirectory(entry, at: path, in: holder.value)
            return nil
        }
        if entry.kind == .other { return nil }
        if case .hardLink(let target) = entry.kind, LayerPath.target(target) == path { return nil }
        try clear(path, in: holder.value)
        whiteouts.remove(path)
        dropLink(path)
        switch entry.kind {
        case .file: return try makeFile(entry, path.name, in: holder.value, reader)
        case .symbolicLink(let target): try makeLink(entry, path.name, to: target, in: holder.value)
        case .hardLink(let target): try makeHardLink(path, to: target, in: holder.value)
        case .characterDevice: try makeNode(entry, path.name, S_IFCHR, in: holder.value)
        case .blockDevice: try makeNode(entry, path.name, S_IFBLK, in: holder.value)
        case .pipe: try makeNode(entry, path.name, S_IFIFO, in: holder.value)
        case .directory, .other: break
        }
        return nil
    }

    private func makeDirectory(
        _ entry: TarEntry, at path: LayerPath, in holder: borrowing OpenDirectory
    ) throws(KernelError) {
        let isWhiteout = whiteouts.contains(path)
        if mkdirat(holder.descriptor.raw, path.name.cString, 0o700) != 0 {
            guard errno == EEXIST else { throw holder.failure("mkdir", path.name) }
            let status = try holder.status(of: path.name)
            if status.st_mode & S_IFMT != S_IFDIR {
                try clear(path, in: holder)
                try holder.makeDirectory(path.name, mode: 0o700)
            }
        }
        if isWhiteout, whiteouts.remove(path) != nil { try markOpaque(path.name, in: holder) }
        dropLink(path)
        isExplicit.insert(path.whole)
        try describe(try holder.directory(path.name), entry, path: path.whole)
    }

    private func makeFile(
        _ entry: TarEntry, _ name: FilePath, in holder: borrowing OpenDirectory, _ reader: TarReader
    ) throws(KernelError) -> ArchiveError? {
        // Holes cost nothing in the archive, and are read as all else when the tree is sealed.
        let (all, overflow) = size.addingReportingOverflow(entry.size)
        guard !overflow, all <= limits.bytes else {
            return ArchiveError(
                "\(object): member \"\(entry.path)\"",
                "with it the layer has \(all >> 20) MiB, and \(limits.bytes >> 20) MiB is the limit")
        }
        size = all
        let file = try holder.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        let raw = file.raw
        let failure = try reader.content { (offset, bytes) throws(KernelError) in
            try self.write(bytes, at: offset, to: raw, name)
        }
        if let failure { return failure }
        // What lies behind the last byte that is not zero is a hole.
        guard ftruncate(file.raw, off_t(clamping: entry.size)) == 0 else { throw holder.failure("extend", name) }
        try entry.describe(file, path: name)
        let times = [entry.modified, entry.modified]
        guard futimens(file.raw, times) == 0 else { throw holder.failure("set times of", name) }
        return nil
    }

    private func write(
        _ bytes: UnsafeRawBufferPointer, at offset: UInt64, to file: Int32, _ name: FilePath
    ) throws(KernelError) {
        guard !bytes.isZero else { return }
        written += UInt64(bytes.count)
        if written >= 64 << 20 {
            written = 0
            var space = statvfs()
            guard fstatvfs(file, &space) == 0 else { throw KernelError("statvfs", name) }
            guard UInt64(space.f_bavail) * UInt64(space.f_frsize) > limits.reserve else {
                throw KernelError("write", name, ENOSPC)
            }
        }
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let count = pwrite(file, rest.baseAddress, rest.count, off_t(clamping: offset) + off_t(done))
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw KernelError("write", name) }
            done += count
        }
    }

    private func makeLink(
        _ entry: TarEntry, _ name: FilePath, to target: FilePath, in holder: borrowing OpenDirectory
    ) throws(KernelError) {
        guard symlinkat(target.cString, holder.descriptor.raw, name.cString) == 0 else {
            throw holder.failure("make link", name)
        }
        try entry.describe(name, in: holder)
    }

    private func makeNode(
        _ entry: TarEntry, _ name: FilePath, _ type: mode_t, in holder: borrowing OpenDirectory
    ) throws(KernelError) {
        guard mknodat(holder.descriptor.raw, name.cString, type | 0o600, type == S_IFIFO ? 0 : entry.device) == 0 else {
            throw holder.failure("make node", name)
        }
        try entry.describe(name, in: holder)
        guard fchmodat(holder.descriptor.raw, name.cString, entry.mode, 0) == 0 else {
            throw holder.failure("chmod", name)
        }
    }

    private func makeHardLink(
        _ path: LayerPath, to text: FilePath, in holder: borrowing OpenDirectory
    ) throws(KernelError) {
        guard let named = LayerPath.target(text) else { throw KernelError("link to", text, EXDEV) }
        // A link to a link that waits itself is one to what that waits for.
        let target = waiting[named].flatMap { links[$0]?.target } ?? named
        do throws(KernelError) {
            // A link as target is linked itself, never followed.
            let source = try root.directoryInRoot(target.parent)
            guard linkat(source.descriptor.raw, target.name.cString, holder.descriptor.raw, path.name.cString, 0) == 0
            else {
                throw holder.failure("link \(text) to", path.name)
            }
        } catch  where error.code == ENOENT {
            waiting[path] = links.count
            links.append(ExtractedLayer.Link(path: path, target: target))
        }
    }

    /// A link that waits for a file beneath is replaced like what is there.
    func dropLink(_ path: LayerPath) {
        if let index = waiting.removeValue(forKey: path) { links[index] = nil }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether there is nothing but zero bytes in it.
    fileprivate var isZero: Bool {
        guard let base = baseAddress, count > 0 else { return true }
        guard self[0] == 0 else { return false }
        return memcmp(base, base + 1, count - 1) == 0
    }
}

extension TarEntry {
    /// Gives an open file owner, attributes and mode. The owner first: changing it takes away setuid bits and file capabilities.
    func describe(_ file: borrowing Descriptor, path: FilePath) throws(KernelError) {
        guard fchown(file.raw, owner, group) == 0 else { throw KernelError("chown", path) }
        for attribute in attributes where TreeAttributes.isKept(attribute.name) {
            try FileAttributes.set(file, attribute.name, attribute.value, path: path)
        }
        guard fchmod(file.raw, mode) == 0 else { throw KernelError("chmod", path) }
    }

    /// Gives what cannot be opened its owner and times.
    fileprivate func describe(_ name: FilePath, in holder: borrowing OpenDirectory) throws(KernelError) {
        guard fchownat(holder.descriptor.raw, name.cString, owner, group, AT_SYMLINK_NOFOLLOW) == 0 else {
            throw holder.failure("chown", name)
        }
        let times = [modified, modified]
        guard utimensat(holder.descriptor.raw, name.cString, times, AT_SYMLINK_NOFOLLOW) == 0 else {
            throw holder.failure("set times of", name)
        }
    }
}
