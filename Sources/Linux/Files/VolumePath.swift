import Glibc

extension DetachedMount {
    /// A path within a volume, resolved so that no link leads out of it. Directories that are missing are made, with the
    /// mode of the volume's own.
    package static func within(_ volume: String, path: String) throws(KernelError) -> DetachedMount {
        do throws(KernelError) {
            return try DetachedMount(of: path, beneath: volume, recursive: true)
        } catch  where error.code == ENOENT {
            try OpenDirectory(volume).makeDirectoriesInRoot(FilePath(path))
            return try DetachedMount(of: path, beneath: volume, recursive: true)
        }
    }
}
