import APIMachinery
import CRI
import HTTP
import Linux
import OCI
import Testing

@testable import ContainerRuntime

/// An image store of a node of its own, over a registry in this process.
struct RegistryLab {
    let node: FakeNode
    let registry = FakeRegistry()
    let image = ImageFixture([Layers.base, Layers.change])
    let store: ImageStore

    init(_ hosts: String = "") async throws {
        node = try FakeNode()
        registry.keep(image, as: "app:1", "app:\(image.manifest.digest)")
        let threads = BlockingThreads(count: 2)
        store = ImageStore(
            paths: node.paths, threads: threads, time: QuickTime(), registries: try registry.client(hosts))
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

@Suite struct RegistryPullTests {
    @Test func anOpenRegistryIsAskedWithoutCredentials() async throws {
        let lab = try await RegistryLab()
        let record = try await lab.pull(auth: RegistryLab.auth)
        #expect(record.names == ["registry.example/app:1"] && record.layers.count == 2)
        #expect(lab.registry.seen.allSatisfy { $0.authorization == nil && $0.host == "registry.example" })
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
        #expect(await lab.refusal().contains("401"))
        #expect(await lab.refusal(auth: RegistryAuth(username: "user", password: "wrong")).contains("401"))
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

    @Test func mirrorsComeFirstAndGiveWay() async throws {
        let lab = try await RegistryLab("registry.example=https://a.example,https://b.example")
        try await lab.pull()
        #expect(lab.seen("registry.example").isEmpty && lab.seen("b.example").isEmpty)
        try await lab.store.removeImage("registry.example/app:1")
        _ = try await lab.store.prune(all: true)
        lab.change { $0.isDown = ["a.example", "b.example"] }
        try await lab.pull()
        #expect(!lab.seen("registry.example").isEmpty)
        lab.change { $0.isDown.insert("registry.example") }
        let text = await lab.refusal("registry.example/other:1")
        #expect(["a.example", "b.example", "registry.example"].allSatisfy(text.contains))
    }

    @Test func mirrorsAreForTheirRegistryAlone() async throws {
        let lab = try await RegistryLab("registry.example=https://a.example")
        try await lab.pull("other.example/app:1")
        #expect(lab.seen("a.example").isEmpty && !lab.seen("other.example").isEmpty)
    }

    @Test func whatTheRegistrySaysIsTold() async throws {
        let lab = try await RegistryLab()
        let text = await lab.refusal("registry.example/app:none")
        #expect(text.contains("404: MANIFEST_UNKNOWN: manifest unknown") && text.contains("registry.example/app:none"))
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
