import APIMachinery
import CRI
import Glibc
import HTTP
import Linux
import OCI
import Synchronization

/// Brings one packed layer into the content store. What has come is kept in a file from one try to the next, also over the daemon's death, and the next try asks
/// for the rest alone.
struct BlobDownload: Sendable {
    /// A registry that sends nothing for this long is as good as gone.
    private static let stall = Duration.seconds(30)
    /// Bytes that are written at a time.
    private static let batch = 1 << 20

    let blob: ImageDescriptor
    let content: ContentStore
    let threads: BlockingThreads
    let time: any TimeSource
    let progress: PullProgress

    /// - Parameter sessions: the places that may have it, in the order of asking.
    func fetch(from sessions: [RegistrySession]) async throws(CRIError) {
        let blob = blob
        let content = content
        if content.size(of: blob.digest) == blob.size { return }
        var patience = RegistryPatience(time: time)
        var failures: [RegistryFailure] = []
        var isFromBefore = size > 0
        while failures.count < sessions.count {
            let place = failures.count
            let before = size
            var last: RegistryFailure
            do throws(RegistryFailure) {
                return try await fetch(from: sessions[place])
            } catch {
                last = error
            }
            if Task.isCancelled { throw .failed("the pull was cancelled") }
            // What an earlier try had left was not the file's, and is gone: all of it is asked for, once.
            if isFromBefore, last.kind == .refused, size == 0 {
                isFromBefore = false
                continue
            }
            let hasCome = size > before
            // A place that does not have it, or breaks without bringing a byte, gives way to the next; the last registry only after several tries to those that
            // are none.
            if last.kind == .passing, hasCome || Self.isLastOfItsKind(place, sessions) {
                do throws(RegistryFailure) {
                    try await patience.wait(after: last, hasGotOn: hasCome) {
                        progress.tell(.retrying(blob, cause: $0))
                    }
                    continue
                } catch {
                    last = error
                }
            }
            if last.kind == .local { throw .failed(last.description) }
            if Task.isCancelled { throw .failed("the pull was cancelled") }
            failures.append(last)
            patience = RegistryPatience(time: time)
        }
        guard !failures.isEmpty else { throw .failed("layer \(blob.digest): there is no place to ask for it") }
        throw .failed(failures.map(\.description).joined(separator: "; "))
    }

    private static func isLastOfItsKind(_ place: Int, _ sessions: [RegistrySession]) -> Bool {
        place + 1 == sessions.count || sessions[place + 1].isForeign != sessions[place].isForeign
    }

    private var size: UInt64 {
        var status = stat()
        return stat(content.partialPath(of: blob.digest), &status) == 0 ? UInt64(clamping: status.st_size) : 0
    }

    private func fetch(from session: RegistrySession) async throws(RegistryFailure) {
        let file = try await local { () throws(CRIError) in try PartialBlob(content, blob) }
        // Where all of it came before, and the daemon died then, there is no rest that a registry could give.
        if file.count < blob.size {
            let (offset, stream) = try await session.download(blob.digest, from: file.count)
            if offset < file.count { try await local { () throws(CRIError) in try file.cut(to: offset) } }
            try await receive(stream, into: file, session)
        }
        try await local { () throws(CRIError) in try file.finish(content) }
    }

    /// Runs on the blocking threads. What is invalid is what the registry sent; all else is this node's own.
    private func local<Value: Sendable>(
        _ body: @escaping @Sendable () throws(CRIError) -> Value
    ) async throws(RegistryFailure) -> Value {
        do throws(CRIError) {
            return try await threads.perform("write layer", body)
        } catch {
            if case .invalid(let text) = error { throw RegistryFailure(.refused, text) }
            throw RegistryFailure(.local, error.description)
        }
    }

    private func receive(
        _ stream: ByteStream, into file: PartialBlob, _ session: RegistrySession
    ) async throws(RegistryFailure) {
        let outcome = await withTaskGroup(
            of: Result<Void, RegistryFailure>?.self, returning: Result<Void, RegistryFailure>.self
        ) { group in
            group.addTask {
                do throws(RegistryFailure) {
                    try await copy(stream, into: file, session)
                    return .success(())
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                var before = file.received
                while (try? await time.sleep(for: Self.stall)) != nil {
                    let now = file.received
                    if now == before { break }
                    before = now
                }
                stream.cancel()
                return nil
            }
            var result = Result<Void, RegistryFailure>.failure(RegistryFailure(.passing, "nothing came"))
            while let next = await group.next() {
                guard let next else { continue }
                result = next
                group.cancelAll()
            }
            return result
        }
        try outcome.get()
    }

    private func copy(
        _ stream: ByteStream, into file: PartialBlob, _ session: RegistrySession
    ) async throws(RegistryFailure) {
        var batch: [UInt8] = []
        var failure: RegistryFailure?
        while true {
            var chunk: [UInt8]?
            do { chunk = try await stream.next() } catch {
                failure = RegistryFailure(.passing, "\(session.name): \(error)")
            }
            if let chunk {
                batch += chunk
                file.note(chunk.count)
            }
            if batch.count >= Self.batch || (chunk == nil && !batch.isEmpty) {
                let bytes = batch
                batch.removeAll(keepingCapacity: true)
                try await local { () throws(CRIError) in try file.append(bytes, leaving: content.reserve) }
                progress.tell(.received(blob, bytes: file.count))
            }
            if let failure { throw failure }
            if chunk == nil { break }
        }
        guard file.count == blob.size else {
            throw RegistryFailure(
                .passing, "\(session.name): \(blob.digest) broke off at \(file.count) of \(blob.size) bytes")
        }
    }
}

/// A layer's file on its way, with the digest of what has come. Its methods block, and are called by one task at a time.
final class PartialBlob: Sendable {
    private struct State {
        var hasher = DigestHasher()
        var count: UInt64 = 0
    }

    private let descriptor: Descriptor
    private let path: String
    private let blob: ImageDescriptor
    private let state = Mutex(State())
    private let progress = Atomic<UInt64>(0)

    /// Opens what came before, or begins anew.
    init(_ content: ContentStore, _ blob: ImageDescriptor) throws(CRIError) {
        self.blob = blob
        path = content.partialPath(of: blob.digest)
        let file = path
        descriptor = try attempt("layer \(blob.digest)") { () throws(KernelError) in
            try Descriptor.open(file, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
        }
        var status = stat()
        guard fstat(descriptor.raw, &status) == 0 else {
            throw .failed("layer \(blob.digest): \(KernelError("stat", path))")
        }
        try cut(to: min(UInt64(clamping: status.st_size), blob.size))
    }

    /// Bytes that are in the file.
    var count: UInt64 { state.withLock { $0.count } }
    /// Bytes that came in this try, for the watch over a stalled registry.
    var received: UInt64 { progress.load(ordering: .relaxed) }

    func note(_ count: Int) { progress.add(UInt64(count), ordering: .relaxed) }

    /// Drops all behind `size`, and reads what is left anew.
    func cut(to size: UInt64) throws(CRIError) {
        try attempt("layer \(blob.digest)") { () throws(KernelError) in
            guard ftruncate(descriptor.raw, off_t(clamping: size)) == 0, lseek(descriptor.raw, 0, SEEK_SET) == 0 else {
                throw KernelError("truncate", path)
            }
            var fresh = State()
            var buffer = [UInt8](repeating: 0, count: 256 << 10)
            while true {
                let count = read(descriptor.raw, &buffer, buffer.count)
                if count < 0 && errno == EINTR { continue }
                guard count >= 0 else { throw KernelError("read", path) }
                if count == 0 { break }
                fresh.count += UInt64(count)
                buffer.withUnsafeBytes { fresh.hasher.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            }
            let kept = fresh
            state.withLock { $0 = kept }
        }
    }

    /// What there is no room for goes altogether: nobody could use it.
    /// - Parameter reserve: bytes that stay free.
    /// - Throws: `invalid` where the registry sends too much.
    func append(_ bytes: [UInt8], leaving reserve: UInt64) throws(CRIError) {
        var space = statvfs()
        guard fstatvfs(descriptor.raw, &space) == 0 else {
            throw .failed("layer \(blob.digest): \(KernelError("statvfs", path))")
        }
        guard UInt64(space.f_bavail) * UInt64(space.f_frsize) > reserve else {
            throw try full("less than \(reserve >> 20) MiB would be free on the disk of \(path)")
        }
        guard count + UInt64(bytes.count) <= blob.size else {
            try cut(to: 0)
            throw .invalid("layer \(blob.digest): the registry sent more than the \(blob.size) bytes of it")
        }
        do throws(KernelError) {
            try WholeFile.write(bytes, to: descriptor, path: path)
        } catch  where [ENOSPC, EDQUOT].contains(error.code) {
            throw try full("\(error)")
        } catch {
            throw .failed("layer \(blob.digest): \(error)")
        }
        state.withLock { state in
            state.hasher.update(bytes)
            state.count += UInt64(bytes.count)
        }
    }

    private func full(_ cause: String) throws(CRIError) -> CRIError {
        try cut(to: 0)
        return .failed("layer \(blob.digest): \(cause); make room, as with: swiftlet images prune")
    }

    /// Checks the digest and gives the file its name.
    /// - Throws: `invalid` where it has another.
    func finish(_ content: ContentStore) throws(CRIError) {
        let found = state.withLock { $0.hasher.finish() }
        guard found == blob.digest else {
            unlink(path)
            throw .invalid("layer \(blob.digest): the bytes that came have digest \(found)")
        }
        try attempt("layer \(blob.digest)") { () throws(KernelError) in
            try content.finish(descriptor, at: path, as: blob.digest)
        }
    }
}
