import CRI
import HTTP
import JSONTree
import OCI
import Testing

@testable import ContainerRuntime

/// Layers that no registry may hold, and whose descriptors say where they lie.
@Suite(.timeLimit(.minutes(15))) struct ForeignLayerTests {
    private static let type = "application/vnd.oci.image.layer.nondistributable.v1.tar"

    /// A registry that has the image without its second layer, which lies at `urls`.
    private func lab(_ urls: [String], type: String = type, hosts: String = "") async throws -> (RegistryLab, Digest) {
        let lab = try await RegistryLab(hosts)
        let image = lab.image
        let manifest = try ImageManifest(
            JSONValue(parsing: image.files[image.manifest.digest] ?? []), file: "manifest")
        var foreign = manifest
        foreign.layers[1].mediaType = type
        foreign.layers[1].urls = urls
        let bytes = foreign.json.encoded()
        lab.change {
            $0.manifests["app:1"] = bytes
            $0.withheld = [image.layers[1].digest]
        }
        return (lab, image.layers[1].digest)
    }

    private func url(_ digest: Digest? = nil, at host: String = "https://storage.example") -> String {
        let layer = ImageFixture([Layers.base, Layers.change]).layers[1].digest
        return "\(host)/\(digest ?? layer)"
    }

    @Test(arguments: [
        type, "application/vnd.docker.image.rootfs.foreign.diff.tar",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ])
    func itComesFromWhereItLies(type: String) async throws {
        let (lab, digest) = try await lab(["https://other.example/none", url()], type: type)
        lab.change { $0.gate = .bearer }
        let record = try await lab.pull(auth: RegistryLab.auth)
        #expect(record.layers.count == 2 && record.blobs[1].digest == digest)
        // After the registry, which was asked with its token.
        #expect(lab.layerRequests.count == 1 && lab.seen("storage.example").count == 1)
        let asked = lab.registry.seen.filter { $0.request.path.hasSuffix("\(digest)") || $0.host == "other.example" }
        #expect(asked.map(\.host).suffix(3) == ["registry.example", "other.example", "storage.example"])
        #expect(asked.suffix(3).map(\.authorization) == ["Bearer good", nil, nil])
    }

    @Test func theRegistryComesFirst() async throws {
        let (lab, _) = try await lab([url()])
        lab.change { $0.withheld = [] }
        try await lab.pull()
        #expect(lab.seen("storage.example").isEmpty)
    }

    /// A file that registries may hold has no other place.
    @Test func otherLayersComeFromTheRegistryAlone() async throws {
        let (lab, _) = try await lab([url()], type: ImageMediaType.layer)
        #expect(await lab.refusal().contains("404"))
        #expect(lab.seen("storage.example").isEmpty)
    }

    @Test(arguments: [
        "http://storage.example", "https://10.0.0.1", "https://[::1]:443", "https://127.1", "https://0x7f.0x1",
        "https://2130706433", "https://localhost", "https://x.localhost.", "https://storage", "file://",
        "https://user:secret@storage.example",
    ])
    func noImageLeadsTheNodeAnywhere(host: String) async throws {
        let (lab, _) = try await lab([url(at: host)])
        #expect(await lab.refusal().contains("404"))
        #expect(lab.registry.seen.allSatisfy { $0.host == "registry.example" })
    }

    @Test func aPlaceOfTheSettingsMayBeNamed() async throws {
        let (lab, _) = try await lab([url(at: "http://storage.example:81")], hosts: "any=http://storage.example:81")
        try await lab.pull()
        #expect(lab.seen("storage.example").map(\.port) == [81])
    }

    @Test func noChallengeIsAnswered() async throws {
        let (lab, _) = try await lab(["https://other.example/v2/app/blobs/x"])
        lab.change { $0.gate = .bearer }
        let refused = await lab.refusal(auth: RegistryLab.auth)
        #expect(refused.contains("https://other.example answered") && refused.contains("401"))
        #expect(!refused.contains("--username"))
        #expect(lab.seen("other.example").map(\.authorization) == [nil] && lab.seen("auth.example").count == 1)
    }

    /// Where a registry might have it yet, it is asked again before anyone else is.
    @Test(arguments: [HTTPResponse(503), HTTPResponse(429, headers: ["Retry-After": "2"])])
    func aRegistryThatIsBusyIsWaitedFor(answer: HTTPResponse) async throws {
        let (lab, digest) = try await lab([url()])
        lab.change { $0.withheld = [] }
        lab.change { $0.layersBusy[digest] = [answer, answer] }
        try await lab.pull()
        #expect(lab.seen("storage.example").isEmpty)
        #expect(lab.seen("registry.example").filter { $0.request.path.hasSuffix("\(digest)") }.count == 3)
    }

    @Test func oneThatStaysBusyGivesWay() async throws {
        let (lab, digest) = try await lab([url()])
        lab.change { $0.layersBusy[digest] = [HTTPResponse](repeating: HTTPResponse(503), count: 100) }
        try await lab.pull()
        #expect(lab.seen("registry.example").filter { $0.request.path.hasSuffix("\(digest)") }.count == 6)
        #expect(lab.seen("storage.example").count == 1)
    }

    @Test func everyPlaceIsTold() async throws {
        let (lab, _) = try await lab(["https://other.example/none", "https://third.example/none"])
        let text = await lab.refusal()
        #expect(text.contains("registry https://registry.example answered for "), "\(text)")
        #expect(text.contains("; https://other.example answered for ") && text.contains("; https://third.example"))
    }

    /// Whoever makes an image may not read what servers in sight of the node say.
    @Test func whatAForeignServerSaysIsNotTold() async throws {
        let (lab, _) = try await lab(["https://storage.example/v2/app/blobs/x"])
        lab.change { $0.storageAnswer = HTTPResponse(400, contentType: "text/plain", Array("a secret".utf8)) }
        let text = await lab.refusal()
        #expect(text.contains("; https://storage.example answered for ") && text.hasSuffix(": 400"), "\(text)")
        lab.change { $0.storageAnswer = HTTPResponse(302, headers: ["Location": "a secret://"]) }
        let led = await lab.refusal()
        #expect(led.contains("cannot be read") && !led.contains("secret"), "\(led)")
    }

    @Test func aRedirectLeadsNoFurther() async throws {
        let (lab, _) = try await lab(["https://leading.example/x"])
        for host in ["https://10.0.0.1", "http://storage.example"] {
            lab.change { $0.leading = url(at: host) }
            #expect(await lab.refusal().contains("https://leading.example leads elsewhere, "))
        }
        #expect(lab.registry.seen.allSatisfy { ["registry.example", "leading.example"].contains($0.host) })
        lab.change { $0.leading = url() }
        try await lab.pull()
    }

    @Test func itIsHeldToItsDigest() async throws {
        let (lab, _) = try await lab([url(ImageFixture([Layers.base]).layers[0].digest)])
        let text = await lab.refusal()
        #expect(text.contains("the bytes that came have digest") || text.contains("sent more than"), "\(text)")
        #expect(!lab.seen("storage.example").isEmpty && lab.store.records.isEmpty)
    }
}
