import APIMachinery
import CRI
import Glibc
import JSONTree
import Linux
import Logging
import OCI
import Synchronization

/// The images of this node. Each is a stack of immutable trees, kept under their digests beneath `trees/` and shared between images, and the files it came as
/// beneath `blobs/`. `index.json` names them and is replaced as a whole, after everything that it speaks of is durable. What a crash leaves behind (staged trees,
/// trees without an entry) goes at the next start; what was downloaded stays for a day, so that a pull goes on where it was.
package final class ImageStore: Sendable {
    struct State {
        var index = ImageIndex()
        /// The containers that use an image, by the image's id.
        var users: [Digest: Set<String>] = [:]
        /// Images that are being removed: no container gets one any more.
        var leaving: Set<Digest> = []
        /// Trees that an image under way has made and no image has yet.
        var loose: [Digest: ImageLayer] = [:]
        /// The images that were removed by force and by which containers may have a tree mounted.
        var mounted: [Digest: Set<Digest>] = [:]
        /// Trees and files that images under way need, with the number of those.
        var held: [Digest: Int] = [:]
        /// Trees that have not been checked since the machine started.
        var unverified: Set<Digest> = []
        /// Trees that do not hold what they should. Images that have one are as good as absent until it is healed.
        var damaged: Set<Digest> = []

        /// A whole tree that fits at this place of a stack.
        func layer(_ digest: Digest, chain: Digest) -> ImageLayer? {
            let known = index.layers.merging(loose) { first, _ in first }
            let found = known[chain].map { $0 } ?? known[digest].flatMap { $0.isDependent ? nil : $0 }
            return found.flatMap { damaged.contains($0.key) ? nil : $0 }
        }

        func find(_ image: String) -> ImageRecord? {
            index.find(image).flatMap { isDamaged($0) || leaving.contains($0.id) ? nil : $0 }
        }

        func isDamaged(_ record: ImageRecord) -> Bool {
            !damaged.isEmpty && record.layers.contains { damaged.contains($0.key) }
        }
    }

    let paths: RuntimePaths
    /// For what is short.
    let threads: BlockingThreads
    /// For unpacking, copying and checking, which take seconds: containers must not stand behind them.
    let bulk: BlockingThreads
    let content: ContentStore
    let registries: RegistryClient?
    let limits: LayerLimits
    let state = Mutex(State())
    let time: any TimeSource
    let logger: Logger
    /// One change of the index at a time.
    let changes = Turn()
    private let readers = Mutex(EventReaders<ImageEvent>())
    /// One maker of each layer and file at a time.
    let layerTurns = KeyedTurns<Digest>()
    /// One at a time who takes apart what was removed.
    let clearing = Turn()
    let fileTurns = KeyedTurns<Digest>()

    /// `open` has to be called before anything else.
    /// - Parameters:
    ///   - bulk: nil: the same as `threads`.
    ///   - registries: nil: nothing is pulled.
    package init(
        paths: RuntimePaths, threads: BlockingThreads, bulk: BlockingThreads? = nil, time: any TimeSource,
        registries: RegistryClient? = nil, logger: Logger
    ) {
        self.paths = paths
        self.threads = threads
        self.bulk = bulk ?? threads
        self.time = time
        self.registries = registries
        self.logger = logger
        content = ContentStore(directory: paths.images)
        limits = LayerLimits()
    }

    var indexFile: String { paths.images + "/index.json" }
    var trees: String { paths.images + "/trees" }
    var staging: String { paths.images + "/staging" }
    func tree(_ digest: Digest) -> String { trees + "/" + digest.hex }

    /// The directories of an image's layers, topmost first. A layer that is there twice shows only where it is topmost.
    func directories(of record: ImageRecord) -> [String] {
        var seen: Set<Digest> = []
        return record.layers.reversed().filter { seen.insert($0.key).inserted }.map { tree($0.key) }
    }

    /// Reads the index and clears away what a crash left.
    package func open() async throws(CRIError) {
        let (index, damaged, isVerified) = try await threads.perform("open images") { [self] () throws(CRIError) in
            try attempt("image store") { () throws(KernelError) in
                try WholeFile.makeDirectories(trees, mode: 0o700)
                try content.prepare()
                try emptyStaging()
            }
            let index = refreshed(try readIndex())
            let damaged = try attempt("image store") { () throws(KernelError) in
                let found = try sweepTrees(index)
                let files = index.files
                try content.sweep(before: time.now().seconds - 86_400) { files.contains($0) }
                return Set(index.layers.keys).subtracting(found)
            }
            return (index, damaged, isVerifiedSinceBoot)
        }
        state.withLock { state in
            state.index = index
            state.damaged = damaged
            state.unverified = isVerified ? [] : Set(index.layers.keys).subtracting(damaged)
        }
    }

    /// What was in the making is taken apart later, unless the disk is full: it may be what fills it.
    private func emptyStaging() throws(KernelError) {
        do throws(KernelError) {
            try content.removed.take(staging)
            try WholeFile.makeDirectories(staging, mode: 0o700)
        } catch  where [ENOSPC, EDQUOT].contains(error.code) {
            // What cannot be taken apart stays.
            try? content.removed.clear()
            try TreeRemoval.remove(staging)
            try WholeFile.makeDirectories(staging, mode: 0o700)
        }
    }

    /// Removes the trees that no image has.
    /// - Returns: those that are there.
    private func sweepTrees(_ index: ImageIndex) throws(KernelError) -> Set<Digest> {
        var found: Set<Digest> = []
        for name in try OpenDirectory(trees).names() {
            guard let digest = try? Digest("sha256:" + name), index.uses(tree: digest) else {
                try content.removed.take(trees + "/" + name)
                continue
            }
            found.insert(digest)
        }
        return found
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

    /// With each image's configuration as its own file has it: an earlier version wrote into the index what it knew of.
    private func refreshed(_ index: ImageIndex) -> ImageIndex {
        var index = index
        for record in index.records where record.manifest != nil {
            guard let bytes = try? content.read(record.id, limit: ImageArchive.fileLimit),
                let file = try? ImageArchive.read(
                    bytes, "image \(record.id)", { value, file throws(OCIError) in try ImageFile(value, file: file) })
            else { continue }
            index.change(record.id) { $0.configuration = file.configuration }
        }
        return index
    }

    func write(_ index: ImageIndex) throws(CRIError) {
        try attempt("image store") { () throws(KernelError) in
            try WholeFile.replace(indexFile, with: index.json.encoded(isPretty: true), durable: true)
        }
        let old = state.withLock { state in
            defer { state.index = index }
            return state.index
        }
        let changes = ImageEvent.changes(from: old, to: index, at: time.unixNanoseconds)
        readers.withLock { readers in changes.forEach(readers.put) }
    }

    /// What changes from this call on.
    package func eventBacklog() -> EventBacklog<ImageEvent> {
        let backlog = EventBacklog<ImageEvent>()
        readers.withLock { $0.add(backlog) }
        return backlog
    }

    /// Makes one change of the index, durably.
    @discardableResult
    func change<Value: Sendable>(
        _ body: @escaping @Sendable (inout ImageIndex) throws(CRIError) -> Value
    ) async throws(CRIError) -> Value {
        try await changes.take { [self] () async throws(CRIError) in
            try await threads.perform("change images") { [self] () throws(CRIError) in
                var index = state.withLock { $0.index }
                let value = try body(&index)
                try write(index)
                return value
            }
        }
    }

    static func reference(_ name: String) throws(CRIError) -> ImageReference {
        do throws(OCIError) { return try ImageReference(name) } catch { throw .invalid(error.description) }
    }
}

extension TimeSource {
    /// Wall clock as the CRI gives it.
    package var unixNanoseconds: UnixNanoseconds {
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
