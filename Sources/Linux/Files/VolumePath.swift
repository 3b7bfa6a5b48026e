import Glibc

extension DetachedMount {
    /// A path within a volume, resolved so that no link leads out of it. Directories that are missing are made.
    package static func within(_ volume: String, path: String) throws(KernelError) -> DetachedMount {
        do throws(KernelError) {
            return try DetachedMount(of: path, beneath: volume, recursive: true)
        } catch  where error.code == ENOENT {
            try OpenDirectory(volume).makeDirectoriesInRoot(FilePath(path), mode: 0o750)
            return try DetachedMount(of: path, beneath: volume, recursive: true)
        }
    }
}
