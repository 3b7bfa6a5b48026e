import Glibc

/// Removes whole directory trees, however deep, without following links or leaving the tree. What is mounted in the tree is not touched:
/// EBUSY names the place.
package enum TreeRemoval {
    /// Levels walked by recursion; what lies deeper is moved up to the top first, so that a hostile depth costs no stack.
    private static let depthLimit = 48
    private static let batch = 1_024

    /// Removes `path`, a directory or anything else. Nothing where it is not there.
    package static func remove(_ path: String) throws(KernelError) {
        if unlink(path) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM else { throw KernelError("remove", path) }
        do throws(KernelError) {
            try empty(path)
        } catch  where error.code == ENOENT {
            return
        }
        guard rmdir(path) == 0 || errno == ENOENT else { throw KernelError("remove", path) }
    }

    /// Removes what has this name in a directory.
    package static func remove(_ name: FilePath, in directory: borrowing OpenDirectory) throws(KernelError) {
        if unlinkat(directory.descriptor.raw, name.cString, 0) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM else { throw directory.failure("remove", name) }
        try empty(try directory.unmountedDirectory(name))
        guard unlinkat(directory.descriptor.raw, name.cString, AT_REMOVEDIR) == 0 else {
            throw directory.failure("remove", name)
        }
    }

    /// Removes all that a directory holds and leaves the directory.
    package static func empty(_ path: String) throws(KernelError) { try empty(try OpenDirectory(path)) }

    private static func empty(_ top: borrowing OpenDirectory) throws(KernelError) {
        var moved = 0
        try empty(top, depth: 0, top: top, moved: &moved)
        // What was moved up is emptied by passes of its own; each pass goes `depthLimit` levels deeper.
        while true {
            let left = try top.fileNames(limit: 1)
            if left.isEmpty { return }
            try empty(top, depth: 0, top: top, moved: &moved)
        }
    }

    private static func empty(
        _ directory: borrowing OpenDirectory, depth: Int, top: borrowing OpenDirectory, moved: inout Int
    ) throws(KernelError) {
        // A bounded batch at a time: a directory may hold millions of names.
        while true {
            let names = try directory.fileNames(limit: batch)
            for name in names {
                if unlinkat(directory.descriptor.raw, name.cString, 0) == 0 || errno == ENOENT { continue }
                guard errno == EISDIR || errno == EPERM else { throw directory.failure("remove", name) }
                try removeDirectory(name, in: directory, depth: depth, top: top, moved: &moved)
            }
            // The top keeps receiving; its own loop goes on with that.
            if names.count < batch { return }
        }
    }

    private static func removeDirectory(
        _ name: FilePath, in directory: borrowing OpenDirectory, depth: Int, top: borrowing OpenDirectory,
        moved: inout Int
    ) throws(KernelError) {
        if depth >= depthLimit {
            try moveUp(name, from: directory, to: top, moved: &moved)
            return
        }
        let child = try directory.unmountedDirectory(name)
        try empty(child, depth: depth + 1, top: top, moved: &moved)
        if unlinkat(directory.descriptor.raw, name.cString, AT_REMOVEDIR) == 0 || errno == ENOENT { return }
        throw directory.failure("remove", name)
    }

    private static func moveUp(
        _ name: FilePath, from directory: borrowing OpenDirectory, to top: borrowing OpenDirectory, moved: inout Int
    ) throws(KernelError) {
        while true {
            moved += 1
            if renameat(directory.descriptor.raw, name.cString, top.descriptor.raw, ".removing-\(moved)") == 0 {
                return
            }
            // A name left by a removal that was interrupted.
            guard errno == EEXIST || errno == ENOTEMPTY else {
                throw directory.failure("move", name)
            }
        }
    }
}
