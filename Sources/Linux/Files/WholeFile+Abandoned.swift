import Glibc

extension WholeFile {
    /// Removes from a directory what writers in `replace` left there that are dead. Nothing where the directory is not there.
    package static func removeAbandoned(in directory: String) throws(KernelError) {
        do throws(KernelError) {
            let files = try OpenDirectory(directory)
            for name in try files.names() {
                guard let writer = writer(of: name), kill(writer, 0) != 0, errno == ESRCH else { continue }
                guard unlinkat(files.descriptor.raw, name, 0) == 0 || errno == ENOENT else {
                    throw files.failure("remove", FilePath(name))
                }
            }
        } catch  where error.code == ENOENT {}
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
