import APIMachinery
import CRI
import Glibc
import HTTP
import Linux
import OCI
import Synchronization
import Testing

@testable import ContainerRuntime

@Suite struct RegistryPushTests {
    private let target = "registry.example/team/app:2"

    private func pushed(_ lab: RegistryLab, auth: RegistryAuth? = nil) async throws -> Digest {
        try await lab.pull(auth: RegistryLab.auth)
        try await lab.store.tag("registry.example/app:1", as: target)
        return try await lab.store.push(target, auth: auth)
    }

    private func posts(_ lab: RegistryLab) -> [HTTPRequest] {
        lab.registry.seen.map(\.request).filter { $0.method == .post }
    }

    @Test func whatIsPushedIsWhatWasPulled() async throws {
        let lab = try await RegistryLab()
        try await lab.pull()
        try await lab.store.tag("registry.example/app:1", as: target)
        lab.change { $0.files = [:] }
        #expect(try await lab.store.push(target) == lab.image.manifest.digest)
        let state = lab.registry.state.withLock { $0 }
        #expect(state.manifests["team/app:2"].map { Digest(of: $0) } == lab.image.manifest.digest)
        #expect(state.types["team/app:2"] == ImageMediaType.manifest)
        #expect(lab.image.layers.allSatisfy { state.files[$0.digest] != nil })
        #expect(state.uploads.isEmpty)
    }

    /// Its layers are there already, packed in another way.
    @Test func anImageWhoseLayersCameInAnotherPackingIsPushed() async throws {
        let lab = try await RegistryLab()
        let packed = ImageFixture([Layers.base, Layers.change], user: "web", isPacked: true)
        lab.registry.keep(packed, as: "app:packed")
        let first = try await lab.pull()
        let second = try await lab.pull("registry.example/app:packed")
        #expect(first.id != second.id && first.layers == second.layers && first.blobs != second.blobs)
        try await lab.store.tag("registry.example/app:packed", as: target)
        lab.change { $0.files = [:] }
        #expect(try await lab.store.push(target) == packed.manifest.digest)
        let files = lab.registry.state.withLock { $0.files }
        #expect(packed.layers.allSatisfy { files[$0.digest] == packed.files[$0.digest] })
    }

    @Test func whatIsThereIsNotSentAgain() async throws {
        let lab = try await RegistryLab()
        _ = try await pushed(lab)
        #expect(posts(lab).isEmpty)
    }

    @Test func filesAreTakenOverFromARepositoryBeside() async throws {
        let lab = try await RegistryLab()
        try await lab.pull()
        try await lab.store.tag("registry.example/app:1", as: target)
        // The repository looks empty, and takes over what the other has.
        lab.change { $0.neighbours = ["app"] }
        let upload = BlobUpload(
            blob: lab.image.layers[0], content: lab.store.content, threads: lab.store.bulk, time: QuickTime(),
            progress: .none)
        let session = try lab.registry.client().sessions(
            for: "registry.example", repository: "team/app", auth: nil, isPush: true)[0]
        #expect(try await session.begin(lab.layer, besides: "app") == nil)
        #expect(try await session.begin(lab.layer, besides: "foreign") != nil)
        try await upload.send(to: session, besides: "app")
    }

    @Test func aLargeFileGoesInPartsAndOnAfterABreak() async throws {
        let lab = try await RegistryLab()
        try await lab.pull()
        lab.change {
            $0.files = [:]
            $0.partFailures = [202, 503, 503, 500].filter { $0 != 202 }
        }
        var upload = BlobUpload(
            blob: lab.image.layers[0], content: lab.store.content, threads: lab.store.bulk, time: QuickTime(),
            progress: .none)
        upload.part = 1_000
        let session = try lab.registry.client().sessions(
            for: "registry.example", repository: "x", auth: nil, isPush: true)[0]
        try await upload.send(to: session, besides: nil)
        #expect(lab.registry.state.withLock { $0.files[lab.layer] } == lab.image.files[lab.layer])
        let parts = lab.registry.seen.map(\.request).filter { $0.method == .patch }
        #expect(parts.count == Int(lab.image.layers[0].size - 1) / 1_000 + 3)
        #expect(parts.allSatisfy { $0.body.count == 1_000 })
    }

    @Test func aRegistryThatForgotTheUploadGetsItAgain() async throws {
        let lab = try await RegistryLab()
        try await lab.pull()
        lab.change { $0.files = [:] }
        var upload = BlobUpload(
            blob: lab.image.layers[0], content: lab.store.content, threads: lab.store.bulk, time: QuickTime(),
            progress: PullProgress { event in
                // It loses what it had, and fails.
                guard case .sent(_, let bytes) = event, bytes == 2_000 else { return }
                lab.change { state in
                    guard state.partFailures.isEmpty, state.uploads["u0"] != nil else { return }
                    state.uploads["u0"] = nil
                    state.uploads["lost"] = []
                    state.partFailures = []
                }
            })
        upload.part = 1_000
        let session = try lab.registry.client().sessions(
            for: "registry.example", repository: "x", auth: nil, isPush: true)[0]
        // A 404 for a part is no break: it ends with a word about it, and the next push is whole.
        await #expect(throws: RegistryFailure.self) { try await upload.send(to: session, besides: nil) }
        upload = BlobUpload(
            blob: lab.image.layers[0], content: lab.store.content, threads: lab.store.bulk, time: QuickTime(),
            progress: .none)
        try await upload.send(to: session, besides: nil)
        #expect(lab.registry.state.withLock { $0.files[lab.layer] } != nil)
    }

    @Test(arguments: [
        (ConnectionRefusal.untrustedCertificate(of: .server), "registry-ca"),
        (.untrustedCertificate(of: .proxy), "update-ca-certificates"),
        (.wantsCertificate(.server), "client.cert"), (.speaksNoTLS(.server), "http://registry.example"),
        (.speaksNoTLS(.proxy), "HTTPS_PROXY"), (.wantsPassword(given: true), "USER:PASSWORD"),
    ])
    func aConnectionThatCannotBeMadeIsTriedOnce(refusal: ConnectionRefusal, wayOut: String) async throws {
        let lab = try await RegistryLab()
        try await lab.pull()
        lab.change {
            $0.refusal = refusal
            $0.seen = []
        }
        let error = await #expect(throws: CRIError.self) { try await lab.store.push("registry.example/app:1") }
        #expect(error?.description.contains(wayOut) == true)
        // Several files go at a time.
        #expect(lab.registry.seen.count <= 3)
        let pull = await lab.refusal("registry.example/other:1")
        #expect(pull.contains(wayOut) && lab.registry.seen.count <= 4)
    }

    @Test(arguments: [(429, 2), (500, 2), (503, 2), (400, 1), (401, 1), (403, 1), (404, 1), (405, 1)])
    func whatARegistryMayYetTakeIsSentAgain(status: Int, tries: Int) async throws {
        let lab = try await RegistryLab()
        try await lab.pull()
        lab.change {
            $0.files = [:]
            $0.beginFailures = [status]
        }
        let upload = BlobUpload(
            blob: lab.image.layers[0], content: lab.store.content, threads: lab.store.bulk, time: QuickTime(),
            progress: .none)
        let session = try lab.registry.client().sessions(
            for: "registry.example", repository: "x", auth: nil, isPush: true)[0]
        try? await upload.send(to: session, besides: nil)
        #expect(posts(lab).count == tries)
        #expect((lab.registry.state.withLock { $0.files[lab.layer] } != nil) == (tries > 1))
        lab.change { $0.manifestFailures = [status] }
        let digest = try? await lab.store.push("registry.example/app:1")
        #expect((digest == lab.image.manifest.digest) == (tries > 1))
        let manifests = lab.registry.seen.map(\.request).filter { $0.method == .put && $0.path.contains("/manifests/") }
        #expect(manifests.count == tries)
    }

    /// A file that has rotten goes as soon as it is read, which a refusal is no reason for.
    @Test func aRefusedFileIsNotReadAgain() async throws {
        let lab = try await RegistryLab()
        try await lab.pull()
        lab.change { $0.files = [:] }
        let path = lab.store.content.path(of: lab.layer)
        var bytes = try WholeFile.read(path)
        bytes[600] ^= 1
        try WholeFile.replace(path, with: bytes, durable: false)
        lab.change { $0.beginFailures = [403, 403, 403] }
        let refused = await #expect(throws: CRIError.self) { try await lab.store.push("registry.example/app:1") }
        #expect(refused?.description.contains("403") == true && lab.store.content.size(of: lab.layer) != nil)
        lab.change { $0.beginFailures = [] }
        let rotten = await #expect(throws: CRIError.self) { try await lab.store.push("registry.example/app:1") }
        #expect(rotten?.description.contains("damaged") == true && lab.store.content.size(of: lab.layer) == nil)
    }

    @Test(arguments: ["0-18446744073709551615", "0-99999999999999999999", "x", ""])
    func whereAnUploadIsMayBeAnyNumber(range: String) async throws {
        let lab = try await RegistryLab()
        try await lab.pull()
        lab.change {
            $0.files = [:]
            $0.partFailures = [503]
            $0.uploaded = range
        }
        let upload = BlobUpload(
            blob: lab.image.layers[0], content: lab.store.content, threads: lab.store.bulk, time: QuickTime(),
            progress: .none)
        let session = try lab.registry.client().sessions(
            for: "registry.example", repository: "x", auth: nil, isPush: true)[0]
        try await upload.send(to: session, besides: nil)
        #expect(lab.registry.state.withLock { $0.files[lab.layer] } == lab.image.files[lab.layer])
    }

    @Test func aPushAsksForTheRightToWrite() async throws {
        let lab = try await RegistryLab()
        lab.change { $0.gate = .bearer }
        _ = try await pushed(lab, auth: RegistryLab.auth)
        let scopes = lab.seen("auth.example").last?.request.query.filter { $0.name == "scope" }.map(\.value)
        #expect(scopes == ["repository:team/app:pull,push", "repository:team/app:pull"])
        let error = await #expect(throws: CRIError.self) { try await lab.store.push(target) }
        #expect(error?.description.contains("401") == true)
    }

    @Test func aPushGoesToTheRegistryAndToNoMirror() async throws {
        let lab = try await RegistryLab("registry.example=https://a.example")
        try await lab.pull()
        try await lab.store.tag("registry.example/app:1", as: target)
        _ = try await lab.store.push(target)
        #expect(lab.seen("a.example").allSatisfy { $0.request.method == .get })
        #expect(lab.seen("registry.example").contains { $0.request.method == .put })
    }

    @Test func aNameWithoutATagGoesNowhere() async throws {
        let lab = try await RegistryLab()
        let record = try await lab.pull()
        for name in [record.id.description, "registry.example/app@\(lab.image.manifest.digest)"] {
            let error = await #expect(throws: CRIError.self) { try await lab.store.push(name) }
            #expect(error?.description.contains("images tag") == true, "\(name)")
        }
        let error = await #expect(throws: CRIError.self) { try await lab.store.push("registry.example/other:1") }
        #expect(error?.description.contains("is not on this node") == true)
    }

    // MARK: - Archives

    private func exported(_ store: ImageStore, _ names: String..., to path: String) async throws {
        let stream = try await store.export(names)
        var bytes: [UInt8] = []
        while let part = try await stream.next() { bytes += part }
        try WholeFile.replace(path, with: bytes, durable: false)
        #expect(bytes.count % 512 == 0)
    }

    @Test(.ofRoot) func whatIsExportedIsWhatIsAdded() async throws {
        let lab = try await RegistryLab()
        let record = try await lab.pull()
        try await exported(lab.store, "registry.example/app:1", to: lab.node.directory + "/a.tar")
        let other = try await RegistryLab()
        let added = try await other.store.add(name: "x:1", path: lab.node.directory + "/a.tar")
        #expect(added.id == record.id && added.manifest == record.manifest && added.layers == record.layers)
        #expect(lab.store.state.withLock { $0.held.isEmpty })
    }

    @Test func anImageOfADirectoryIsPacked() async throws {
        let lab = try await RegistryLab()
        let root = lab.node.directory + "/rootfs"
        let long = String(repeating: "long/", count: 30) + "name"
        try WholeFile.makeDirectories(root + "/" + long)
        try lab.node.write("rootfs/" + long + "/file", "deep")
        #expect(link(root + "/bin/sh", root + "/etc/hard") == 0 && symlink("/no/where", root + "/etc/soft") == 0)
        #expect(mkfifo(root + "/etc/pipe", 0o600) == 0 && chmod(root + "/bin/sh", 0o4711) == 0)
        let times = [timespec](repeating: timespec(tv_sec: 1_600_000_000, tv_nsec: 0), count: 2)
        for name in ["soft", "pipe"] {
            #expect(utimensat(AT_FDCWD, root + "/etc/" + name, times, AT_SYMLINK_NOFOLLOW) == 0)
        }
        let record = try await lab.store.add(name: target, path: root)
        let digest = try await lab.store.push(target)
        #expect(record.manifest == nil)
        let other = try await RegistryLab()
        other.change { [from = lab.registry.state.withLock { $0 }] state in
            state.files = from.files
            state.manifests = from.manifests
            state.types = from.types
        }
        let pulled = try await other.pull(target)
        #expect(pulled.manifest?.digest == digest)
        // The same tree, to the last attribute.
        #expect(pulled.layers[0].seal == record.layers[0].seal)
        #expect(pulled.configuration == record.configuration)
        for tree in [lab.store.tree(record.layers[0].key), other.store.tree(pulled.layers[0].key)] {
            for name in ["soft", "pipe"] {
                var status = stat()
                #expect(lstat(tree + "/etc/" + name, &status) == 0 && status.st_mtim.tv_sec == 1_600_000_000)
            }
        }
    }

    @Test(.ofRoot) func severalImagesShareAnArchive() async throws {
        let lab = try await RegistryLab()
        try await lab.pull()
        _ = try await lab.store.add(name: "b:1", path: lab.node.directory + "/rootfs")
        try await exported(lab.store, "registry.example/app:1", "b:1", to: lab.node.directory + "/two.tar")
        let other = try await RegistryLab()
        _ = try await other.store.add(
            name: "x", path: lab.node.directory + "/two.tar", reference: lab.image.manifest.digest.description)
        let error = await #expect(throws: CRIError.self) {
            try await other.store.add(name: "y", path: lab.node.directory + "/two.tar")
        }
        #expect(error?.description.contains("--reference") == true)
    }

    @Test func aDamagedFileIsNotHandedOn() async throws {
        let lab = try await RegistryLab()
        try await lab.pull()
        let path = lab.node.paths.data + "/images/blobs/" + lab.layer.hex
        var bytes = try WholeFile.read(path)
        bytes[600] ^= 1
        try WholeFile.replace(path, with: bytes, durable: false)
        await #expect(throws: CRIError.self) {
            try await exported(lab.store, "registry.example/app:1", to: lab.node.directory + "/a.tar")
        }
        #expect(lab.store.state.withLock { $0.held.isEmpty })
    }

    @Test func whatIsExportedStaysUntilItsEnd() async throws {
        let lab = try await RegistryLab()
        try await lab.pull()
        _ = try await lab.store.add(name: "b:1", path: lab.node.directory + "/rootfs")
        await #expect(throws: CRIError.self) { try await lab.store.export(["b:1", "none:1"]) }
        #expect(lab.store.state.withLock { $0.held.isEmpty })
        let stream = try await lab.store.export(["registry.example/app:1", "b:1"])
        _ = try await lab.store.prune(all: true)
        #expect(lab.store.records.isEmpty)
        while try await stream.next() != nil {}
        #expect(lab.store.state.withLock { $0.held.isEmpty })
        #expect(try OpenDirectory(lab.store.staging).names().isEmpty)
    }
}

extension Trait where Self == ConditionTrait {
    /// What an export holds is root's, and only root can unpack it.
    fileprivate static var ofRoot: Self { .enabled(if: geteuid() == 0, "without root nothing is made for root") }
}
