import CRI
import Linux
import OCI
import Testing

@testable import ContainerRuntime

/// Root file systems in tar files, which become images as `docker import` makes them.
@Suite struct RootArchiveTests {
    private func write(_ bytes: [UInt8], _ node: FakeNode) throws -> String {
        let path = node.directory + "/root.tar"
        try WholeFile.replace(path, with: bytes, durable: false)
        return path
    }

    private func refusal(_ bytes: [UInt8], reference: String? = nil) async throws -> String {
        let node = try FakeNode()
        let store = try await node.open().images
        let before = store.records
        let path = try write(bytes, node)
        let error = await #expect(throws: CRIError.self) {
            try await store.add(name: "a", path: path, called: "the archive", reference: reference)
        }
        #expect(store.records == before && store.state.withLock { $0.held.isEmpty && $0.loose.isEmpty })
        #expect(try OpenDirectory(node.paths.data + "/images/staging").names().isEmpty)
        return error?.description ?? ""
    }

    @Test func itIsTheOneLayerOfAnImage() async throws {
        let node = try FakeNode()
        let store = try await node.open().images
        var overrides = ImageStore.Overrides()
        overrides.command = ["/bin/sh"]
        let record = try await store.add(name: "a", path: try write(Layers.base, node), overrides: overrides)
        let digest = Digest(of: Layers.base)
        #expect(record.layers.map(\.key) == [digest] && record.blobs.map(\.digest) == [digest])
        #expect(record.configuration.command == ["/bin/sh"] && !record.isPulled)
        let bytes = try store.content.read(record.id, limit: ImageArchive.fileLimit)
        let file = try ImageArchive.read(bytes, "a") { (value, file) throws(OCIError) in
            try ImageFile(value, file: file)
        }
        #expect(file.layers == [digest] && file.platform.runs(on: .host) && !file.platform.architecture.isEmpty)
        #expect(try store.userDatabase(of: record).user(named: "web")?.userID == 33)
        // It is made anew from the archive as any other.
        try TreeRemoval.remove(node.paths.data + "/images/trees/" + digest.hex)
        let later = try await node.open().images
        try await later.ready("a")
        #expect(try await later.imageStatus("a") != nil)
        #expect(try await later.verifyAll().isEmpty)
    }

    @Test func howItIsPackedChangesTheFileAlone() async throws {
        let node = try FakeNode()
        let store = try await node.open().images
        let fixture = ImageFixture([Layers.base], isPacked: true)
        let packed = try #require(fixture.files[fixture.layers[0].digest])
        let plain = try await store.add(name: "plain", path: try write(Layers.base, node))
        let record = try await store.add(name: "packed", path: try write(packed, node))
        #expect(record.blobs == fixture.layers && record.layers == plain.layers && record.id == plain.id)
    }

    /// Only what looks like an image's archive is one.
    @Test func aManifestOfItsOwnMakesItNoImagesArchive() async throws {
        let node = try FakeNode()
        let store = try await node.open().images
        var tar = TarFixture()
        tar.add("./manifest.json", "{}")
        tar.add("./etc/hostname", "here")
        let record = try await store.add(name: "a", path: try write(tar.archive, node))
        #expect(record.layers.map(\.key) == [Digest(of: tar.archive)])
        tar = TarFixture()
        tar.add("manifest.json", "{}")
        #expect(try await refusal(tar.archive).contains("manifest.json"))
    }

    /// A file that nobody may read says nothing of the archive in it.
    @Test func whatCannotBeOpenedIsNoBadArchive() async throws {
        let store = try await FakeNode().open().images
        let error = await #expect(throws: CRIError.self) {
            try await store.add(name: "a", path: "/sys/bus/platform/drivers_probe")
        }
        guard case .failed(let text) = error else {
            Issue.record("it was no failure of the node: \(String(describing: error))")
            return
        }
        #expect(text.contains("open /sys") && text.contains("Permission denied"), "\(text)")
    }

    @Test func whatIsNoneIsRefusedInWords() async throws {
        #expect(try await refusal(Array("text, no archive".utf8)).contains("no archive of an image"))
        #expect(try await refusal([]).contains("holds no file"))
        #expect(try await refusal(TarFixture().archive).contains("the archive: the archive holds no file"))
        #expect(try await refusal(Layers.base, reference: "a").contains("this is a root file system"))
        #expect(try await refusal(Array(Layers.base.dropLast(1_600))).contains("the archive"))
        for name: FilePath in ["../x", "a/../../x"] {
            var tar = TarFixture()
            tar.add(name, "out")
            #expect(try await refusal(tar.archive).contains("leads out of the archive"))
        }
    }
}
