import APIMachinery
import CRI
import Glibc
import Linux
import OCI

/// Sends one file of the content store to a registry: nothing where it is there already, else part by part, and on from where the registry is after a break.
struct BlobUpload: Sendable {
    let blob: ImageDescriptor
    let content: ContentStore
    let threads: BlockingThreads
    let time: any TimeSource
    let progress: PullProgress
    /// Bytes that one request carries. Smaller files go in one.
    var part: UInt64 = 8 << 20

    /// How far it has come.
    private struct Position {
        /// Where the registry takes the rest; nil: nothing is begun.
        var place: RegistryURL?
        var sent: UInt64 = 0
    }

    /// - Parameter neighbour: another repository of the registry that may have it.
    func send(to session: RegistrySession, besides neighbour: String?) async throws(RegistryFailure) {
        var position = Position()
        var patience = RegistryPatience(time: time)
        while true {
            let before = position.sent
            do throws(RegistryFailure) {
                return try await advance(session, neighbour, &position)
            } catch {
                try await patience.wait(after: error, hasGotOn: position.sent > before) {
                    progress.tell(.retrying(blob, cause: $0))
                }
            }
        }
    }

    private func advance(
        _ session: RegistrySession, _ neighbour: String?, _ position: inout Position
    ) async throws(RegistryFailure) {
        if let place = position.place {
            // A registry that knows nothing of it any more gets it from the start.
            guard let found = try await session.uploaded(at: place) else {
                position = Position()
                return try await advance(session, neighbour, &position)
            }
            position.sent = min(found.bytes, position.sent)
            position.place = found.place
        } else {
            if try await session.has(blob.digest) { return progress.tell(.present(blob)) }
            guard let begun = try await session.begin(blob.digest, besides: neighbour) else {
                return progress.tell(.present(blob))
            }
            position = Position(place: begun)
        }
        guard var place = position.place else { return }
        while blob.size - position.sent > part {
            let bytes = try await read(at: position.sent, part)
            place = try await session.upload(bytes, at: position.sent, to: place)
            position = Position(place: place, sent: position.sent + part)
            progress.tell(.sent(blob, bytes: position.sent))
        }
        let rest = try await read(at: position.sent, blob.size - position.sent)
        try await session.finish(rest, at: position.sent, of: blob.digest, to: place)
        progress.tell(.done(blob))
    }

    private func read(at offset: UInt64, _ count: UInt64) async throws(RegistryFailure) -> [UInt8] {
        let (content, digest) = (content, blob.digest)
        do throws(CRIError) {
            return try await threads.perform("read layer") { () throws(CRIError) in
                try attempt("layer \(digest)") { () throws(KernelError) in
                    try content.read(digest, at: offset, Int(count))
                }
            }
        } catch {
            throw RegistryFailure(.local, error.description)
        }
    }
}

extension ContentStore {
    /// A part of a file, unchecked.
    func read(_ digest: Digest, at offset: UInt64, _ count: Int) throws(KernelError) -> [UInt8] {
        let file = try open(digest)
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let step = bytes.withUnsafeMutableBytes { buffer in
                pread(
                    file.raw, buffer.baseAddress.map { $0 + done }, count - done, off_t(clamping: offset) + off_t(done))
            }
            if step < 0 && errno == EINTR { continue }
            guard step > 0 else { throw KernelError("read", path(of: digest), step < 0 ? errno : EIO) }
            done += step
        }
        return bytes
    }
}
