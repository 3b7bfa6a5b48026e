import Glibc
import Linux

/// Writes a volume's files so that readers see the old set or the new one, never a mixture: the files lie in a directory of their own,
/// `..data` points to it, and each name in the volume points through `..data` (the layout users know from upstream).
struct AtomicFiles {
    let directory: String

    /// Does nothing where the files are as they should be. Blocks.
    /// - Parameter group: may read all of it, and has what is made in its directories.
    func write(_ wanted: VolumeFiles, owner group: UInt32?) throws(KernelError) {
        try FileOperations.makeDirectories(directory)
        let old = currentTarget()
        if let old, isUpToDate(wanted, in: "\(directory)/\(old)", group) {
            // Whoever wrote them may have been killed before the names.
            if !hasNames(wanted) { try linkNames(wanted) }
            return
        }
        let name = "..\(nextNumber(after: old))"
        let payload = "\(directory)/\(name)"
        try TreeRemoval.remove(payload)
        try FileOperations.makeDirectories(payload)
        for (path, file) in wanted.files {
            if let parent = path.parentPath { try FileOperations.makeDirectories("\(payload)/\(parent)") }
            let path = "\(payload)/\(path)"
            try FileOperations.write(file.bytes, to: path, mode: Self.mode(file, group))
            try own(path, file.user, group)
        }
        if let group {
            for path in directories(of: wanted, in: payload) {
                try own(path, nil, group)
                guard chmod(path, 0o2755) == 0 else { throw KernelError("chmod", path) }
            }
        }
        try point("..data", at: name)
        try linkNames(wanted)
        if let old { try TreeRemoval.remove("\(directory)/\(old)") }
    }

    private func own(_ path: String, _ user: UInt32?, _ group: UInt32?) throws(KernelError) {
        if user == nil, group == nil { return }
        guard chown(path, user ?? .max, group ?? .max) == 0 else { throw KernelError("chown", path) }
    }

    /// The volume's own first.
    private func directories(of wanted: VolumeFiles, in payload: String) -> [String] {
        var found: Set<String> = []
        for path in wanted.files.keys {
            var path = path
            while let parent = path.parentPath, found.insert(parent).inserted { path = parent }
        }
        return [directory, payload] + found.map { "\(payload)/\($0)" }
    }

    private func currentTarget() -> String? {
        var buffer = [CChar](repeating: 0, count: 256)
        let count = readlink("\(directory)/..data", &buffer, buffer.count - 1)
        guard count > 0 else { return nil }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func nextNumber(after old: String?) -> Int {
        1 &+ (old.flatMap { Int($0.dropFirst(2)) } ?? 0)
    }

    private static func mode(_ file: VolumeFiles.File, _ group: UInt32?) -> mode_t {
        group == nil ? file.mode : file.mode | 0o440
    }

    private func isUpToDate(_ wanted: VolumeFiles, in payload: String, _ group: UInt32?) -> Bool {
        guard paths(in: payload) == Set(wanted.files.keys) else { return false }
        return wanted.files.allSatisfy { path, file in
            let path = "\(payload)/\(path)"
            var status = stat()
            return lstat(path, &status) == 0 && status.st_mode & 0o777 == Self.mode(file, group) & 0o777
                && (file.user.map { $0 == status.st_uid } ?? true) && (group.map { $0 == status.st_gid } ?? true)
                && FileOperations.read(path, limit: file.bytes.count + 1) == file.bytes
        }
    }

    private func hasNames(_ wanted: VolumeFiles) -> Bool {
        let names = FileOperations.names(in: directory).filter { !$0.utf8.starts(with: "..".utf8) }
        return Set(names) == Set(wanted.files.keys.map(Self.firstComponent))
    }

    /// The files that a payload holds, by relative path.
    private func paths(in payload: String) -> Set<String> {
        var files: Set<String> = []
        var stack = FileOperations.names(in: payload)
        while let path = stack.popLast() {
            var status = stat()
            guard lstat("\(payload)/\(path)", &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                stack += FileOperations.names(in: "\(payload)/\(path)").map { "\(path)/\($0)" }
            } else {
                files.insert(path)
            }
        }
        return files
    }

    private func point(_ name: String, at target: String) throws(KernelError) {
        let temporary = "\(directory)/..new-link"
        unlink(temporary)
        guard symlink(target, temporary) == 0 else { throw KernelError("symlink", temporary) }
        guard rename(temporary, "\(directory)/\(name)") == 0 else { throw KernelError("rename", temporary) }
    }

    private func linkNames(_ wanted: VolumeFiles) throws(KernelError) {
        let names = Set(wanted.files.keys.map(Self.firstComponent))
        for name in names { try point(name, at: "..data/\(name)") }
        for name in FileOperations.names(in: directory)
        where !name.utf8.starts(with: "..".utf8) && !names.contains(name) {
            unlink("\(directory)/\(name)")
        }
    }

    private static func firstComponent(_ path: String) -> String { path.pathComponents.first ?? path }
}
