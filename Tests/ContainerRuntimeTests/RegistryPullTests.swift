import APIMachinery
import CRI
import Glibc
import HTTP
import Linux
import OCI
import TestSupport
import Testing

@testable import ContainerRuntime

/// An image store of a node of its own, over a registry in this process.
struct RegistryLab {
    let node: FakeNode
    let registry = FakeRegistry()
    let image = ImageFixture([Layers.base, Layers.change])
    let store: ImageStore

    init(
        _ hosts: String = "", time: any TimeSource = QuickTime(), mirrors: [String: RegistryAuth] = [:]
    ) async throws {
        node = try FakeNode()
        registry.keep(image, as: "app:1", "app:\(image.manifest.digest)")
        let threads = BlockingThreads(count: 2)
        store = ImageStore(
            paths: node.paths, threads: threads, time: time,
            registries: try registry.client(hosts, time: time, mirrors: mirrors), logger: FakeNode.quiet)
        try await store.open()
    }

    static let auth = RegistryAuth(username: "user", password: "secret")

    @discardableResult
    func pull(_ name: String = "registry.example/app:1", auth: RegistryAuth? = nil) async throws -> ImageRecord {
        try await store.pull(name, auth: auth)
    }

    /// What a pull fails with.
    func refusal(_ name: String = "registry.example/app:1", auth: RegistryAuth? = nil) async -> String {
        do throws(CRIError) {
            _ = try await store.pull(name, auth: auth)
            return "it was pulled"
        } catch {
            return error.description
        }
    }

    func change(_ body: (inout FakeRegistry.State) -> Void) { registry.state.withLock { body(&$0) } }
    func seen(_ host: String) -> [FakeRegistry.Seen] { registry.seen.filter { $0.host == host } }

    var layer: Digest { image.layers[0].digest }
    var layerRequests: [HTTPRequest] {
        registry.seen.map(\.request).filter { $0.method == .get && $0.path.hasSuffix(layer.description) }
    }
}

/// Lets others go on until it is so.
/// - Returns: false where it does not come.
func comes(_ isSo: () -> Bool) async -> Bool { (try? await until(isSo)) != nil }

@Suite(.timeLimit(.minutes(15))) struct RegistryPullTests {
    @Test func anOpenRegistryIsAskedWithoutCredentials() async throws {
        let lab = try await RegistryLab()
        let record = try await lab.pull(auth: RegistryLab.auth)
        #expect(record.names == ["registry.example/app:1"] && record.layers.count == 2)
        #expect(lab.registry.seen.allSatisfy { $0.authorization == nil && $0.host == "registry.example" })
        #expect(lab.registry.seen.allSatisfy { $0.request.headers["Accept-Encoding"] == "identity" })
        #expect(lab.registry.seen.allSatisfy { $0.request.target?.contains("%") == false })
        try await lab.pull("registry.example/app@\(lab.image.manifest.digest)")
    }

    @Test func aTokenIsFetchedOnceAndTheRegistrySeesNoPassword() async throws {
        let lab = try await RegistryLab()
        lab.change { $0.gate = .bearer }
        try await lab.pull(auth: RegistryLab.auth)
        let token = lab.seen("auth.example")
        #expect(token.count == 1)
        #expect(token.first?.request.query("service") == "registry.example")
        #expect(token.first?.request.query("scope") == "repository:app:pull")
        let asked = lab.seen("registry.example").map(\.authorization)
        #expect(asked.first == .some(nil) && asked.dropFirst().allSatisfy { $0 == "Bearer good" })
    }

    @Test(arguments: [FakeRegistry.Gate.basic, .bearer]) func othersAreRefused(gate: FakeRegistry.Gate) async throws {
        let lab = try await RegistryLab()
        lab.change { $0.gate = gate }
        let unnamed = await lab.refusal()
        #expect(unnamed.contains("401") && unnamed.contains("--username"))
        let wrong = await lab.refusal(auth: RegistryAuth(username: "user", password: "wrong"))
        #expect(wrong.contains("401") && wrong.contains("does not let in") && !wrong.contains("--username"))
        #expect(lab.registry.seen.count < 12)
        try await lab.pull(auth: RegistryLab.auth)
    }

    @Test func aTokenThatWouldWriteAHeaderIsRefused() async throws {
        let lab = try await RegistryLab()
        lab.change {
            $0.gate = .bearer
            $0.token = "good\r\nX-Evil: 1"
        }
        #expect(await lab.refusal(auth: RegistryLab.auth).contains("answered without a token"))
    }

    @Test(arguments: [FakeRegistry.Gate.basic, .bearer])
    func credentialsStayAtTheRegistry(gate: FakeRegistry.Gate) async throws {
        let lab = try await RegistryLab()
        lab.change {
            $0.gate = gate
            $0.redirect = "https://storage.example/"
        }
        try await lab.pull(auth: RegistryLab.auth)
        let elsewhere = lab.seen("storage.example")
        #expect(elsewhere.count == 3 && elsewhere.allSatisfy { $0.authorization == nil })
    }

    /// A signature is over what was written, not over what it means.
    @Test func whereItLeadsIsAskedAsItWasWritten() async throws {
        let lab = try await RegistryLab()
        lab.change { $0.redirect = "https://storage.example/a%2Fb/%7e+%zz?X-Sig=a%2bb+c%20d&e=/;&digest=" }
        #expect(await lab.refusal().contains("404"))
        let asked = lab.seen("storage.example").first?.request.target
        let configuration = lab.image.files.keys.first { asked?.hasSuffix($0.description) == true }
        #expect(configuration != nil)
        #expect(
            asked?.hasPrefix("/a%2Fb/%7e+%zz?X-Sig=a%2bb+c%20d&e=/;&digest=sha256:") == true, "\(asked ?? "nothing")")
    }

    @Test func aCertificateMustNameTheHostWithoutItsPort() {
        let registry = RegistryOrigin(isSecure: true, host: "a.test", port: 5000)
        let refusal = ConnectionRefusal.otherCertificate(of: .server)
        #expect(refusal.wayOut(at: registry) == "it must name a.test among its alternative names")
    }

    @Test(arguments: [
        ("/a b\u{7f}\u{e9}\r\n#c", "/a%20b%7F%C3%A9%0D%0A"), ("https://x", "/"), ("https://x?a", "/?a"),
        ("https://x/%2F?", "/%2F?"), ("https://x/?a=b&", "/?a=b&"),
    ])
    func anAddressKeepsItsBytes(text: String, target: String) throws {
        let base = RegistryOrigin(isSecure: true, host: "a", port: 443)
        let url = try #require(RegistryURL(text, relativeTo: base))
        #expect(url.target == target && url.request(.get).target == target)
        let more = url.adding(QueryItem("d", "e:f")).target
        #expect(more.hasPrefix(target) && more.hasSuffix("d=e%3Af") && more.split(separator: "?").count == 2)
        #expect(!more.contains("&&") && !more.contains("?&") && (more.contains("&d") || more.contains("?d")))
    }

    @Test func whereItLeadsMustBeOverTLS() async throws {
        let lab = try await RegistryLab()
        lab.change { $0.redirect = "http://storage.example/" }
        #expect(await lab.refusal().contains("http://storage.example, which is plain HTTP"))
        #expect(lab.seen("storage.example").isEmpty)
        lab.change { $0.redirect = "/v2/app/blobs/" }
        #expect(await lab.refusal().contains("without an end"))
    }

    @Test func aPullThatIsCutGoesOnWhereItWas() async throws {
        let lab = try await RegistryLab()
        lab.change { $0.redirect = nil }
        // The configuration comes first and is not cut.
        lab.change { $0.cuts = [1 << 20, 1_000, 0, 700, 1_000] }
        try await lab.pull()
        let layers = lab.registry.seen.map(\.request).filter { $0.path.contains("/blobs/") }
        let ranges = layers.compactMap { $0.headers["Range"] }
        #expect(!ranges.isEmpty && ranges.allSatisfy { $0 != "bytes=0-" })
        #expect(try await lab.store.verifyAll().isEmpty)
    }

    @Test func aServerWithoutRangesSendsAllAnew() async throws {
        let lab = try await RegistryLab()
        lab.change {
            $0.ignoresRanges = true
            $0.cuts = [1 << 20, 1_000, 1_000]
        }
        try await lab.pull()
        #expect(try await lab.store.verifyAll().isEmpty)
    }

    @Test func aRegistryThatOnlyBreaksIsGivenUp() async throws {
        let lab = try await RegistryLab()
        lab.change { $0.cuts = [1 << 20] + [Int](repeating: 0, count: 100) }
        #expect(await lab.refusal().contains("cut"))
        #expect(lab.registry.seen.count < 20)
    }

    @Test(arguments: [-1, 0, 1]) func bytesThatAreNotTheDigestsAreRefused(change: Int) async throws {
        let lab = try await RegistryLab()
        lab.change { state in
            var bytes = state.files[lab.layer] ?? []
            if change < 0 { bytes[600] ^= 1 }
            if change == 0 { bytes = [UInt8](repeating: 0, count: bytes.count) }
            if change > 0 { bytes += [0] }
            state.files[lab.layer] = bytes
        }
        let text = await lab.refusal()
        #expect(text.contains(change > 0 ? "sent more than" : "have digest"), "\(text)")
        #expect(try OpenDirectory(lab.node.paths.data + "/images/blobs").names().contains(lab.layer.hex) == false)
        #expect(try await lab.store.imageStatus("registry.example/app:1") == nil)
    }

    @Test func aManifestOfAnotherDigestIsRefused() async throws {
        let lab = try await RegistryLab()
        let name = "app:\(lab.image.manifest.digest)"
        lab.change { $0.manifests[name]?.append(32) }
        #expect(
            await lab.refusal("registry.example/app@\(lab.image.manifest.digest)").contains(
                "sent a manifest with digest"))
    }

    /// What builds an image adds what says how it was built, also where the image is the only one and names no platform.
    @Test func anAttestationIsNoImage() async throws {
        let lab = try await RegistryLab()
        var attestation = lab.image.manifest
        attestation.platform = ImagePlatform(system: "unknown", architecture: "unknown")
        let index = ImageManifestList([attestation, lab.image.manifest]).json.encoded()
        lab.change { state in
            state.manifests["app:attested"] = index
            state.types["app:attested"] = ImageMediaType.index
        }
        #expect(try await lab.pull("registry.example/app:attested").manifest?.digest == lab.image.manifest.digest)
    }

    @Test func aNameWithoutARegistryIsToldAsSuch() async throws {
        let lab = try await RegistryLab()
        #expect(await lab.refusal("localhost:99999/x").contains("\"localhost:99999\" is no HOST[:PORT] of a registry"))
        #expect(lab.registry.seen.isEmpty)
    }

    @Test func whatTheRegistrySaysIsTold() async throws {
        let lab = try await RegistryLab()
        let text = await lab.refusal("registry.example/app:none")
        #expect(text.contains("404: MANIFEST_UNKNOWN: manifest unknown") && text.contains("registry.example/app:none"))
    }

    /// What it finds there a moment before would be gone a moment later.
    @Test func aPullWaitsForARemovalUnderWay() async throws {
        let lab = try await RegistryLab()
        let store = lab.store
        let manifest = lab.image.manifest.digest
        let pull = try await store.changes.take { () async throws(CRIError) in
            let pull = Task { try await store.pull("registry.example/app:1") }
            #expect(await comes { store.changes.waiting == 1 || !lab.layerRequests.isEmpty })
            #expect(lab.layerRequests.isEmpty && store.content.size(of: manifest) == nil)
            return pull
        }
        #expect(try await pull.value.layers.count == 2)
        #expect(lab.layerRequests.count == 1 && store.content.size(of: manifest) != nil)
    }

    @Test func whatAPullThatFailedHasLeftGoesWhereRoomIsWanted() async throws {
        let lab = try await RegistryLab()
        let record = try await lab.pull()
        let needs = record.files.union(record.layers.map(\.key))
        // As a pull that needs one thing more, which does not come.
        try await lab.store.hold(needs)
        try await lab.store.removeImage("registry.example/app:1")
        try await lab.store.removeLeftovers()
        #expect(record.layers.allSatisfy { access(lab.store.tree($0.key), F_OK) == 0 })
        lab.store.letGo(needs)
        try await lab.store.removeLeftovers()
        #expect(record.layers.allSatisfy { access(lab.store.tree($0.key), F_OK) != 0 })
        #expect(try await lab.store.imageFilesystem().usedBytes == 0)
    }

    @Test func whatCannotBeRemovedIsKnownAndTriedAgain() async throws {
        let lab = try await RegistryLab()
        let record = try await lab.pull()
        let trees = record.layers.map { lab.store.tree($0.key) }
        func left() -> Int { trees.filter { access($0, F_OK) == 0 }.count }
        let removed = lab.store.content.removed.directory
        try TreeRemoval.remove(removed)
        try WholeFile.replace(removed, with: [], durable: false)
        await #expect(throws: CRIError.self) { try await lab.store.removeImage("registry.example/app:1") }
        #expect(lab.store.records.isEmpty && left() == 2)
        await #expect(throws: CRIError.self) { try await lab.store.removeLeftovers() }
        #expect(try await lab.store.imageFilesystem().usedBytes > 0 && left() == 2)
        try TreeRemoval.remove(removed)
        try await lab.store.removeLeftovers()
        #expect(try await lab.store.imageFilesystem().usedBytes == 0 && left() == 0)
    }

    /// While a tree that is large is taken apart.
    @Test func aRemovalHoldsUpNoPull() async throws {
        let lab = try await RegistryLab()
        let store = lab.store
        try await lab.pull()
        let removals = try await store.clearing.take { () async throws(CRIError) in
            let removals = [
                Task { try await store.removeImage("registry.example/app:1") },
                Task { try await store.removeLeftovers() }, Task { _ = try await store.prune(all: false) },
            ]
            #expect(await comes { store.clearing.waiting == 3 })
            _ = try await store.pull("registry.example/app:1")
            return removals
        }
        for removal in removals { try await removal.value }
        #expect(store.records.count == 1 && lab.layerRequests.count == 2)
    }

    /// A container has its image whole or does not get it.
    @Test func aContainerAndARemovalDoNotMeetHalfWay() async throws {
        let lab = try await RegistryLab()
        for round in 0..<200 {
            let id = try await lab.pull().id
            async let removal: Void = lab.store.removeImage(id.description)
            let container = "c\(round)"
            let isUsed = (try? lab.store.use(id.description, called: "app", by: container)) != nil
            let isRemoved = (try? await removal) != nil
            #expect(isUsed != isRemoved && isUsed == (lab.store.state.withLock { $0.find(id.description) } != nil))
            lab.store.release(by: container)
        }
    }

    @Test func whatIsHeldIsNotRemoved() async throws {
        let lab = try await RegistryLab()
        let record = try await lab.pull()
        let needs = record.files.union(record.layers.map(\.key))
        func left() -> Int {
            record.files.filter { lab.store.content.size(of: $0) != nil }.count
                + record.layers.filter { access(lab.store.tree($0.key), F_OK) == 0 }.count
        }
        try await lab.store.hold(needs)
        try await lab.store.removeImage("registry.example/app:1")
        _ = try await lab.store.prune(all: true)
        #expect(lab.store.records.isEmpty && left() == 6)
        // A pull takes up what is there.
        try await lab.pull()
        #expect(lab.layerRequests.count == 1)
        try await lab.store.removeImage("registry.example/app:1")
        lab.store.letGo(needs)
        _ = try await lab.store.prune(all: true)
        #expect(left() == 0 && lab.store.state.withLock { $0.loose.isEmpty && $0.held.isEmpty })
    }

    /// Told at once: neither what came before nor another place changes it.
    @Test(arguments: [0, 600]) func aDownloadLeavesRoomOnTheDisk(before: Int) async throws {
        let hosts = "registry.example=https://a.example"
        let lab = try await RegistryLab(hosts)
        var content = lab.store.content
        content.reserve = .max >> 1
        let partial = content.partialPath(of: lab.layer)
        try WholeFile.replace(partial, with: Array(Layers.base[..<before]), durable: false)
        let download = BlobDownload(
            blob: lab.image.layers[0], content: content, threads: lab.store.bulk, time: QuickTime(), progress: .none)
        let sessions = try lab.registry.client(hosts).sessions(
            for: "registry.example", repository: "app", auth: nil, isPush: false)
        let error = await #expect(throws: CRIError.self) { try await download.fetch(from: sessions) }
        #expect(error?.description.contains("make room") == true && error?.description.contains(partial) == true)
        #expect(try WholeFile.read(partial).isEmpty && lab.layerRequests.count == 1)
    }

    @Test func aLayerThatTwoPullsWantIsFetchedOnce() async throws {
        let lab = try await RegistryLab()
        let other = ImageFixture([Layers.base, Layers.dependent])
        lab.registry.keep(other, as: "other:1")
        async let first = lab.store.pull("registry.example/app:1")
        async let second = lab.store.pull("registry.example/other:1")
        #expect(try await first.layers[0] == second.layers[0])
        #expect(lab.layerRequests.count == 1)
    }
}
