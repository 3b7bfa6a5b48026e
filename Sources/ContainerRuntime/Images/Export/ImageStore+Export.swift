import CRI
import HTTP
import JSONTree
import Linux
import OCI
import Synchronization

extension ImageStore {
    /// Images as one tar archive, which is an OCI layout and what `docker save` writes at the same time. It is made while it is read.
    package func export(_ names: [String]) async throws(CRIError) -> ByteStream {
        var images: [PackedImage] = []
        do throws(CRIError) {
            for name in names {
                images.append(
                    try await withPacked(name) { packed throws(CRIError) in
                        try await hold(packed.digests)
                        return packed
                    })
            }
        } catch {
            for image in images { letGo(image.digests) }
            throw error
        }
        let export = ImageExport(images, of: self)
        let held = Mutex(images.map(\.digests))
        let end: @Sendable () -> Void = { [self] in
            let left = held.withLock { held in
                defer { held = [] }
                return held
            }
            for digests in left { letGo(digests) }
        }
        return ByteStream(
            next: {
                do throws(CRIError) {
                    let chunk = try await export.next()
                    if chunk == nil { end() }
                    return chunk
                } catch {
                    end()
                    throw error
                }
            }, cancel: end)
    }
}

/// The members of an archive of images, read one after the other.
final class ImageExport: Sendable {
    enum Source: Sendable {
        case bytes([UInt8])
        case file(Digest)
    }

    struct Member: Sendable {
        var entry: TarEntry
        var source: Source
    }

    private struct State {
        var members: ArraySlice<Member>
        /// Of the first member's content.
        var offset: UInt64 = 0
        var hasher = DigestHasher()
        var isAtEnd = false
        /// The file whose bytes are not those of its name.
        var rotten: Digest?
    }

    private static let chunk: UInt64 = 1 << 20
    private let state: Mutex<State>
    private let store: ImageStore

    init(_ images: [PackedImage], of store: ImageStore) {
        state = Mutex(State(members: Self.members(images)[...]))
        self.store = store
    }

    private static func members(_ images: [PackedImage]) -> [Member] {
        func member(_ name: String, _ json: JSONValue) -> Member {
            let bytes = json.encoded()
            return Member(entry: TarEntry(FilePath(name), .file, size: UInt64(bytes.count)), source: .bytes(bytes))
        }
        var members = [
            member("oci-layout", ["imageLayoutVersion": "1.0.0"]),
            member("index.json", ImageManifestList(images.flatMap(entries)).json),
            member("manifest.json", DockerArchive(images: images.map(dockerImage)).json),
        ]
        var seen: Set<Digest> = []
        for file in images.flatMap({ [$0.manifest] + $0.files }) where seen.insert(file.digest).inserted {
            members.append(
                Member(entry: TarEntry(FilePath(path(file.digest)), .file, size: file.size), source: .file(file.digest))
            )
        }
        return members
    }

    private static func path(_ digest: Digest) -> String { "blobs/sha256/" + digest.hex }

    /// One for each name, with the tag as the layout's name and the whole where others look for it.
    private static func entries(_ image: PackedImage) -> [ImageDescriptor] {
        var descriptor = image.manifest
        guard !image.names.isEmpty else { return [descriptor] }
        return image.names.map { name in
            let tag = (try? ImageReference(name))?.tag ?? name
            descriptor.annotations = [ImageManifestList.nameAnnotation: tag, "io.containerd.image.name": name]
            return descriptor
        }
    }

    private static func dockerImage(_ image: PackedImage) -> DockerArchive.Image {
        DockerArchive.Image(
            names: image.names, configuration: path(image.configuration.digest),
            layers: image.layers.map { path($0.digest) })
    }

    /// The next bytes of the archive, nil at its end.
    func next() async throws(CRIError) -> [UInt8]? {
        let (bytes, rotten) = try await store.bulk.perform("export image") { [self] () throws(CRIError) in
            var state = self.state.withLock { $0 }
            defer { self.state.withLock { [state] in $0 = state } }
            return (try advance(&state), state.rotten)
        }
        guard let rotten else { return bytes }
        _ = try await store.keepsWhole(rotten)
        throw ContentStore.damage(rotten)
    }

    private func advance(_ state: inout State) throws(CRIError) -> [UInt8]? {
        guard let member = state.members.first else {
            defer { state.isAtEnd = true }
            return state.isAtEnd ? nil : TarEntry.end
        }
        var bytes = state.offset == 0 ? member.entry.header : []
        switch member.source {
        case .bytes(let content):
            bytes += content
            state.offset = member.entry.size
        case .file(let digest):
            let count = min(Self.chunk, member.entry.size - state.offset)
            let offset = state.offset
            let part = try attempt("image file \(digest)") { () throws(KernelError) in
                try store.content.read(digest, at: offset, Int(count))
            }
            state.hasher.update(part)
            bytes += part
            state.offset += count
        }
        guard state.offset == member.entry.size else { return bytes }
        if case .file(let digest) = member.source, state.hasher.finish() != digest {
            state.rotten = digest
            return nil
        }
        state.members.removeFirst()
        state.offset = 0
        state.hasher = DigestHasher()
        return bytes + member.entry.padding
    }
}
