import CRI
import HTTP
import OCI
import Testing

@testable import ContainerRuntime

/// Who is asked in a registry's place, and as whom.
@Suite struct RegistryMirrorTests {
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

    /// As proxies of several registries have them; it has its own words for a repository that it is asked for a token of.
    @Test(arguments: ["https://a.example/hub", "https://a.example/hub/"])
    func aMirrorKeepsRepositoriesBeneathAName(url: String) async throws {
        let lab = try await RegistryLab("registry.example=\(url)", mirrors: ["a.example/hub/app": RegistryLab.auth])
        lab.registry.keep(lab.image, as: "hub/app:1")
        lab.change { $0.gate = .bearer }
        #expect(try await lab.pull().names == ["registry.example/app:1"])
        #expect(lab.seen("registry.example").isEmpty)
        #expect(lab.seen("a.example").allSatisfy { $0.request.path.hasPrefix("/v2/hub/app/") })
        #expect(lab.seen("auth.example").first?.request.query("scope") == "repository:hub/app:pull")
        for wrong in [
            "https://a.example/Hub", "https://a.example/hub?x", "https://a.example/hub:1", "https://a.example/a..b",
        ] {
            #expect(throws: RegistryHostsError.self) { try RegistryHosts("registry.example=" + wrong) }
        }
    }

    /// Also one whose name has no dot, as in a network of its own.
    @Test func aMirrorsHostMayHaveAShortName() throws {
        let hosts = try RegistryHosts("registry.example=http://mirror:5000/hub,https://mirror/hub/two")
        #expect(hosts.places(for: "registry.example").map(\.prefix) == ["hub/", "hub/two/", ""])
    }

    @Test(arguments: [FakeRegistry.Gate.basic, .bearer])
    func aMirrorHearsNoPasswordOfItsRegistry(gate: FakeRegistry.Gate) async throws {
        let lab = try await RegistryLab("registry.example=https://a.example,http://registry.example:81")
        lab.change { $0.gate = gate }
        try await lab.pull(auth: RegistryLab.auth)
        let isOwn = lab.registry.seen.filter { $0.authorization != nil }.map { $0.host != "a.example" && $0.port != 81 }
        #expect(!isOwn.isEmpty && isOwn.allSatisfy(\.self))
        #expect(!lab.seen("a.example").isEmpty && lab.registry.seen.contains { $0.port == 81 })
        lab.change { $0.isDown = ["registry.example"] }
        let text = await lab.refusal("registry.example/other:1", auth: RegistryLab.auth)
        #expect(text.contains("mirror-auth"))
    }

    @Test(arguments: [FakeRegistry.Gate.basic, .bearer])
    func aMirrorHasCredentialsOfItsOwn(gate: FakeRegistry.Gate) async throws {
        let lab = try await RegistryLab(
            "registry.example=https://a.example:5000", mirrors: ["a.example:5000/app": RegistryLab.auth])
        lab.change { $0.gate = gate }
        try await lab.pull(auth: RegistryAuth(username: "other", password: "other"))
        #expect(lab.seen("registry.example").isEmpty && !lab.seen("a.example").isEmpty)
    }

    /// One that is refused gives way to the password beside it.
    @Test(arguments: ["good", "bad"]) func aMirrorHasATokenOfItsOwn(token: String) async throws {
        var auth = RegistryLab.auth
        auth.registryToken = token
        let lab = try await RegistryLab("registry.example=https://a.example", mirrors: ["a.example/app": auth])
        lab.change { $0.gate = .bearer }
        try await lab.pull()
        let shown = lab.seen("a.example").map(\.authorization)
        #expect(shown.prefix(2) == [nil, "Bearer \(token)"] && shown.dropFirst(2).allSatisfy { $0 == "Bearer good" })
        #expect(lab.seen("auth.example").count == (token == "good" ? 0 : 1))
        #expect(shown.count > 2 && lab.seen("registry.example").isEmpty)
    }

    /// Wherever it stands among the places.
    @Test(arguments: ["http://registry.example,https://a.example", "https://a.example,https://registry.example"])
    func theRegistryItselfHearsThem(places: String) async throws {
        let lab = try await RegistryLab("registry.example=" + places)
        lab.change { $0.gate = .basic }
        try await lab.pull(auth: RegistryLab.auth)
        lab.change { $0.files = [:] }
        _ = try await lab.store.push("registry.example/app:1", auth: RegistryLab.auth)
        #expect(lab.seen("a.example").isEmpty == places.hasPrefix("http://registry.example"))
        #expect(lab.seen("registry.example").contains { $0.authorization != nil && $0.request.method == .get })
        #expect(lab.seen("registry.example").contains { $0.authorization != nil && $0.request.method == .put })
        lab.change { $0.isDown = ["registry.example"] }
        #expect(await lab.refusal("registry.example/other:1", auth: RegistryLab.auth).contains("mirror-auth"))
        let mirror = lab.seen("a.example")
        #expect(!mirror.isEmpty && mirror.allSatisfy { $0.authorization == nil && $0.request.method == .get })
    }

    @Test func mirrorsAreForTheirRegistryAlone() async throws {
        let lab = try await RegistryLab("registry.example=https://a.example")
        try await lab.pull("other.example/app:1")
        #expect(lab.seen("a.example").isEmpty && !lab.seen("other.example").isEmpty)
    }
}
