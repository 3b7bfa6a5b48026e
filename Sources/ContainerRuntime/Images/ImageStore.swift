import APIMachinery
import CRI
import Glibc
import JSONTree
import Linux
import OCI
import Synchronization

/// The images of this node. Each is an immutable copy of a tree, kept under its digest beneath `trees/`; `index.json` names them and is replaced
/// as a whole, after the tree that it speaks of is durable. What a crash leaves behind (staged copies, trees without an entry) goes at
/// the next start.
package final class ImageStore: Sendable {
    struct State {
        var index = ImageIndex()
        /// The containers that use an image, by the image's id.
        var users: [Digest: Set<String>] = [:]
    }

    let paths: RuntimePaths
    let threads: BlockingThreads
    let state = Mutex(State())
    private let time: any TimeSource
    /// One change of the index at a time.
    let changes = Turn()

    /// `open` has to be called before anything else.
    package init(paths: RuntimePaths, threads: BlockingThreads, time: any TimeSource) {
        self.paths = paths
        self.threads = threads
        self.time = time
    }

    var indexFile: String { paths.images + "/index.json" }
    var trees: String { paths.images + "/trees" }
    private var staging: String { paths.images + "/staging" }
    func tree(_ digest: Digest) -> String { trees + "/" + digest.hex }

    /// Reads the index and clears away what a crash left.
    package func open() async throws(CRIError) {
        let index = try await threads.perform("open images") { [self] () throws(CRIError) in
            try attempt("image store") { () throws(KernelError) in
                try WholeFile.makeDirectories(trees, mode: 0o700)
                try TreeRemoval.remove(staging)
                try WholeFile.makeDirectories(staging, mode: 0o700)
            }
            let index = try readIndex()
            try attempt("image store") { () throws(KernelError) in
                for name in try OpenDirectory(trees).names() {
                    guard let digest = try? Digest("sha256:" + name), index.usesTree(digest) else {
                        try TreeRemoval.remove(trees + "/" + name)
                        continue
                    }
                }
            }
            return index
        }
        state.withLock { $0.index = index }
    }

    private func readIndex() throws(CRIError) -> ImageIndex {
        do {
            return try ImageIndex(
                JSONValue(parsing: try WholeFile.read(indexFile, limit: 64 << 20)), file: indexFile)
        } catch let error as KernelError where error.code == ENOENT {
            return ImageIndex()
        } catch {
            throw .failed("the image store cannot be read: \(error)")
        }
    }

    /// What is set here replaces what the bundle says.
    package struct Overrides: Sendable, Hashable {
        package var entrypoint: [String]?
        package var command: [String]?
        /// `NAME=value`, added.
        package var environment: [String] = []
        package var workingDirectory: String?
        package var user: String?

        package init() {}
    }

    /// Makes an image of a bundle or a root directory and gives it `name`, which leaves the image that had it before.
    package func add(
        name: String, path: String, overrides: Overrides = Overrides()
    ) async throws(CRIError) -> ImageRecord {
        let reference = try Self.reference(name)
        guard reference.digest == nil else {
            throw .invalid("\(name): an image is added under a tag; its digest follows from its content")
        }
        let staged = staging + "/" + (try Identifier.random())
        do throws(CRIError) {
            let record = try await threads.perform("add image") { [self] () throws(CRIError) in
                try stage(path, at: staged, name: reference.description, overrides)
            }
            return try await changes.take { [self] () async throws(CRIError) in
                try await threads.perform("add image") { [self] () throws(CRIError) in
                    try publish(record, staged: staged)
                }
            }
        } catch {
            _ = try? await threads.perform("remove staged image") { () throws(CRIError) in
                try attempt("staged image") { () throws(KernelError) in try TreeRemoval.remove(staged) }
            }
            throw error
        }
    }

    private func stage(
        _ path: String, at staged: String, name: String, _ overrides: Overrides
    ) throws(CRIError) -> ImageRecord {
        let source = try ImageSource(path)
        var configuration = source.configuration
        if let entrypoint = overrides.entrypoint { configuration.entrypoint = entrypoint }
        if let command = overrides.command { configuration.command = command }
        configuration.environment += overrides.environment
        if let directory = overrides.workingDirectory { configuration.workingDirectory = directory }
        if let user = overrides.user { configuration.user = user }
        let copy = try attempt("image \(name)") { () throws(KernelError) in
            try WholeFile.makeDirectories(staged, mode: 0o755)
            let copy = try TreeSnapshot.copy(source.root, to: staged)
            let descriptor = try Descriptor.open(staged, O_RDONLY | O_DIRECTORY)
            try FileAttributes.syncFilesystem(of: descriptor, path: staged)
            return copy
        }
        return ImageRecord(
            tree: copy.digest, name: name, size: copy.size, entries: copy.entries,
            addedAt: time.unixNanoseconds, configuration: configuration)
    }

    /// Moves the staged tree to its place, unless the same is there, and then writes the index.
    private func publish(_ record: ImageRecord, staged: String) throws(CRIError) -> ImageRecord {
        var index = state.withLock { $0.index }
        let added = index.add(record)
        try attempt("image \(record.names.first ?? "")") { () throws(KernelError) in
            let target = tree(record.tree)
            if access(target, F_OK) == 0 {
                try TreeRemoval.remove(staged)
            } else {
                guard rename(staged, target) == 0 else { throw KernelError("rename", target) }
                try WholeFile.syncDirectory(of: target)
            }
        }
        try write(index)
        return added
    }

    func write(_ index: ImageIndex) throws(CRIError) {
        try attempt("image store") { () throws(KernelError) in
            try WholeFile.replace(indexFile, with: index.json.encoded(isPretty: true), durable: true)
        }
        state.withLock { $0.index = index }
    }

    static func reference(_ name: String) throws(CRIError) -> ImageReference {
        do throws(OCIError) { return try ImageReference(name) } catch { throw .invalid(error.description) }
    }
}

extension TimeSource {
    /// Wall clock as the CRI gives it.
    var unixNanoseconds: UnixNanoseconds {
        let moment = now()
        let (value, overflow) = moment.seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? 0 : value &+ Int64(moment.nanoseconds)
    }
}

enum Identifier {
    /// 64 random hexadecimal digits.
    static func random() throws(CRIError) -> String {
        let bytes = try attempt("identifier") { () throws(KernelError) in try randomBytes(32) }
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
