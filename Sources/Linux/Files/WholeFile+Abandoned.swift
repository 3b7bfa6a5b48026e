import Glibc

extension WholeFile {
    /// Removes from a directory what writers in `replace` left there that are dead. Nothing where the directory is not there.
    package static func removeAbandoned(in directory: String) throws(KernelError) {
        do throws(KernelError) {
            let files = try OpenDirectory(directory)
            for name in try files.names() {
                guard writer(of: name) != nil, !isUnfinished(name) else { continue }
                guard unlinkat(files.descriptor.raw, name, 0) == 0 || errno == ENOENT else {
                    throw files.failure("remove", FilePath(name))
                }
            }
        } catch  where error.code == ENOENT {}
    }

    /// Whether a file of this name is one that a writer in `replace` is at.
    package static func isUnfinished(_ name: String) -> Bool {
        guard let writer = writer(of: name) else { return false }
        return kill(writer, 0) == 0 || errno != ESRCH
    }

    /// The process that writes, or wrote, a file of this name: `index.json.new-PROCESS-NUMBER`.
    static func writer(of name: String) -> pid_t? {
        let parts = name.split(separator: "-").suffix(3)
        guard parts.count == 3, parts.first?.hasSuffix(".new") == true, parts.last.flatMap({ UInt64($0) }) != nil else {
            return nil
        }
        return parts.dropFirst().first.flatMap { pid_t($0) }.flatMap { $0 > 0 ? $0 : nil }
    }
}
