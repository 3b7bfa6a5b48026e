import CRI
import Glibc
import Linux
import OCI

/// The files that images came as (manifests, configurations, packed layers), each under its digest. A file has its name only once it is whole, checked
/// and on disk, so that a power cut leaves either the right bytes or none. All calls block.
struct ContentStore: Sendable {
    /// `blobs` holds what is whole, `partial` what is on its way from a registry, `staging` what is made here.
    let directory: String
    /// Bytes that a download leaves free on the filesystem.
    var reserve: UInt64 = LayerLimits().reserve

    var blobs: String { directory + "/blobs" }
    var partial: String { directory + "/partial" }
    var staging: String { directory + "/staging" }
    var removed: RemovedFiles { RemovedFiles(directory: directory + "/removed") }
    func path(of digest: Digest) -> String { blobs + "/" + digest.hex }
    /// What has come so far of a file; it outlives the daemon, so that a download goes on where it was.
    func partialPath(of digest: Digest) -> String { partial + "/" + digest.hex }

    func prepare() throws(KernelError) {
        try WholeFile.makeDirectories(blobs, mode: 0o700)
        try WholeFile.makeDirectories(partial, mode: 0o700)
        for place in [directory, blobs] { try WholeFile.removeAbandoned(in: place) }
    }

    /// In bytes; nil where it is not there.
    func size(of digest: Digest) -> UInt64? {
        var status = stat()
        return stat(path(of: digest), &status) == 0 ? UInt64(clamping: status.st_size) : nil
    }

    func open(_ digest: Digest) throws(KernelError) -> Descriptor {
        try Descriptor.open(path(of: digest), O_RDONLY)
    }

    /// A small file's bytes, checked.
    func read(_ digest: Digest, limit: Int) throws(CRIError) -> [UInt8] {
        let bytes = try attempt("image file \(digest)") { () throws(KernelError) in
            try WholeFile.read(path(of: digest), limit: limit)
        }
        guard Digest(of: bytes) == digest else {
            throw Self.damage(digest)
        }
        return bytes
    }

    static func damage(_ digest: Digest) -> CRIError {
        .failed("image file \(digest) is damaged on this node; pull the image again")
    }

    @discardableResult
    func put(_ bytes: [UInt8]) throws(KernelError) -> Digest {
        let digest = Digest(of: bytes)
        // A file that has rotten is written anew, too.
        if (try? WholeFile.read(path(of: digest), limit: bytes.count)) != bytes {
            try WholeFile.replace(path(of: digest), with: bytes, durable: true)
        }
        return digest
    }

    /// Copies what is left of `source` into the store.
    /// - Parameter expected: what its digest must be.
    func copy(_ source: borrowing Descriptor, object: String, expecting expected: Digest) throws(CRIError) {
        let name = staging + "/" + (try Identifier.random())
        defer { unlink(name) }
        try attempt(object) { () throws(KernelError) -> Result<Void, CRIError> in
            let target = try Descriptor.open(name, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
            if !FileAttributes.shareBytes(of: source, with: target) {
                try WholeFile.copy(from: source, to: target, path: name)
            }
            // What was written is what counts, should the source change meanwhile.
            let found = try Self.digest(of: target, path: name).digest
            guard found == expected else {
                return .failure(.invalid("\(object): it has digest \(found) in place of \(expected)"))
            }
            try finish(target, at: name, as: found)
            return .success(())
        }.get()
    }

    /// Gives a whole file its name: synced before it is named.
    func finish(_ file: borrowing Descriptor, at path: String, as digest: Digest) throws(KernelError) {
        guard fsync(file.raw) == 0 else { throw KernelError("fsync", path) }
        guard rename(path, self.path(of: digest)) == 0 else { throw KernelError("rename", path) }
        try WholeFile.syncDirectory(of: self.path(of: digest))
    }

    /// Whether the file has the bytes that its name says. One that has not goes, so that it can come again: to be called in the file's turn.
    func keepsWhole(_ digest: Digest) throws(KernelError) -> Bool {
        do throws(KernelError) {
            let file = try open(digest)
            if try Self.isWhole(file, digest, path: path(of: digest)) { return true }
        } catch  where [ENOENT, EMFILE, ENFILE, ENOMEM].contains(error.code) {
            if error.code == ENOENT { return false }
            // That says nothing about the file.
            throw error
        } catch {}
        try remove(digest)
        return false
    }

    /// - Throws: where the kernel is short of something; a file that cannot be read is not whole.
    private static func isWhole(
        _ file: borrowing Descriptor, _ digest: Digest, path: String
    ) throws(KernelError) -> Bool {
        do throws(KernelError) {
            return try Self.digest(of: file, path: path).digest == digest
        } catch {
            if error.code == ENOMEM { throw error }
            return false
        }
    }

    /// Of all bytes from the start.
    static func digest(
        of file: borrowing Descriptor, path: String
    ) throws(KernelError) -> (digest: Digest, size: UInt64) {
        try file.rewind(path)
        var hasher = DigestHasher()
        var size: UInt64 = 0
        var buffer = [UInt8](repeating: 0, count: 256 << 10)
        while true {
            let count = Glibc.read(file.raw, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw KernelError("read", path) }
            if count == 0 { return (hasher.finish(), size) }
            size += UInt64(count)
            buffer.withUnsafeBytes { hasher.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
    }

    func remove(_ digest: Digest) throws(KernelError) {
        guard unlink(path(of: digest)) == 0 || errno == ENOENT else { throw KernelError("remove", path(of: digest)) }
    }

    /// Removes what no image has, of files on their way those that nothing was added to for a day.
    /// - Parameters:
    ///   - isKept: what an image has, or is about to have.
    ///   - before: files that were last written before this moment go, in seconds since 1970.
    func sweep(before: Int64, keeping isKept: (Digest) -> Bool) throws(KernelError) {
        for holder in [blobs, partial] {
            let directory = try OpenDirectory(holder)
            try directory.fileNames().forEachGoingOn { name throws(KernelError) in
                if let digest = try? Digest("sha256:\(name)"), isKept(digest) { return }
                if WholeFile.isUnfinished(name.description) { return }
                do throws(KernelError) {
                    guard try Int64(directory.status(of: name).st_mtim.tv_sec) < before else { return }
                } catch  where error.code == ENOENT {
                    // It has come whole meanwhile, or is gone.
                    return
                }
                try removed.take(holder + "/" + name.description)
            }
        }
    }

    /// Bytes and files that it takes on disk.
    func usage() throws(KernelError) -> (bytes: UInt64, files: UInt64) {
        var usage: (bytes: UInt64, files: UInt64) = (0, 0)
        for holder in [blobs, partial] {
            let directory = try OpenDirectory(holder)
            for name in try directory.fileNames() {
                guard let status = try? directory.status(of: name) else { continue }
                usage.bytes += UInt64(clamping: status.st_blocks) * 512
                usage.files += 1
            }
        }
        return usage
    }
}
