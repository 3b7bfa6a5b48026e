import CRI
import Glibc
import JSONTree
import Linux
import OCI
import Testing

@testable import ContainerRuntime

extension FakeNode {
    /// Writes an OCI layout and returns its path.
    func layout(_ images: [(name: String, image: ImageFixture)], at name: String = "layout") throws -> String {
        let path = directory + "/" + name
        try WholeFile.makeDirectories(path + "/blobs/sha256")
        try write(name + "/oci-layout", #"{"imageLayoutVersion":"1.0.0"}"#)
        var entries: [ImageDescriptor] = []
        for (name, image) in images {
            for (digest, bytes) in image.files {
                try WholeFile.replace(path + "/blobs/sha256/" + digest.hex, with: bytes, durable: false)
            }
            var entry = image.manifest
            entry.annotations[ImageManifestList.nameAnnotation] = name
            entries.append(entry)
        }
        try WholeFile.replace(
            path + "/index.json", with: ImageManifestList(entries).json.encoded(), durable: false)
        return path
    }
}

/// Layers for images: a base, one that changes it, and one that needs it.
enum Layers {
    static var base: [UInt8] {
        var tar = TarFixture()
        tar.add("etc/", type: "5", mode: 0o711)
        tar.add("etc/passwd", "root:x:0:0::/root:/bin/sh\nweb:x:33:34::/srv:/bin/sh\n")
        tar.add("etc/group", "root:x:0:\n")
        tar.add("bin/", type: "5", mode: 0o755)
        tar.add("bin/sh", "#!", mode: 0o755)
        return tar.archive
    }

    static var change: [UInt8] {
        var tar = TarFixture()
        tar.add("./", type: "5", mode: 0o755)
        tar.add("srv/", type: "5", mode: 0o755)
        tar.add("srv/page", "hello")
        tar.add(".wh.gone")
        return tar.archive
    }

    /// Its directory `etc` and the target of its link are only beneath it.
    static var dependent: [UInt8] {
        var tar = TarFixture()
        tar.add("etc/motd", "welcome")
        tar.add("etc/shell", type: "1", link: "bin/sh")
        return tar.archive
    }
}

@Suite struct ImageArchiveTests {
    private func images(_ node: FakeNode) -> [String] {
        (try? OpenDirectory(node.paths.data + "/images/trees").names()) ?? []
    }

    @Test func aLayoutBecomesAnImage() async throws {
        let node = try FakeNode()
        let store = try await node.open().images
        let fixture = ImageFixture([Layers.base, Layers.change], user: "web")
        let path = try node.layout([("latest", fixture)])
        let record = try await store.add(name: "site:1", path: path)
        #expect(record.layers.map(\.key) == fixture.layers.map(\.digest) && record.manifest == fixture.manifest)
        #expect(
            store.directories(of: record).map { String($0.suffix(64)) } == fixture.layers.reversed().map(\.digest.hex))
        let image = try #require(try await store.imageStatus("site:1"))
        #expect(image.digests == ["docker.io/library/site@\(fixture.manifest.digest)"] && image.userName == "web")
        #expect(try await store.imageStatus("site@\(fixture.manifest.digest)")?.id == image.id)
        #expect(try store.userDatabase(of: record).user(named: "web")?.userID == 33)
        // A second image shares the lower layer; removing the first leaves it.
        let other = try node.layout([("latest", ImageFixture([Layers.base]))], at: "other")
        _ = try await store.add(name: "base:1", path: other)
        #expect(images(node).count == 3)
        try await store.removeImage("site:1")
        #expect(
            images(node).contains(fixture.layers[0].digest.hex) && !images(node).contains(fixture.layers[1].digest.hex))
        try await store.removeImage("base:1")
        #expect(images(node).count == 1)
        #expect(try OpenDirectory(node.paths.data + "/images/blobs").names().isEmpty)
    }

    @Test func aLayerThatNeedsOthersTakesTheirAttributes() async throws {
        let node = try FakeNode()
        let store = try await node.open().images
        let fixture = ImageFixture([Layers.base, Layers.dependent])
        let record = try await store.add(name: "a", path: try node.layout([("a", fixture)]))
        let top = try #require(store.directories(of: record).first)
        #expect(record.layers[1].isDependent && record.layers[1].key != fixture.layers[1].digest)
        var status = stat()
        #expect(lstat(top + "/etc", &status) == 0 && status.st_mode & 0o7777 == 0o711)
        #expect(try WholeFile.read(top + "/etc/shell") == Array("#!".utf8))
        // The same layer on its own stands for itself.
        await #expect(throws: CRIError.self) {
            try await store.add(
                name: "b", path: try node.layout([("b", ImageFixture([Layers.change, Layers.dependent]))], at: "b"))
        }
    }

    @Test func oneOfSeveralHasToBeNamed() async throws {
        let node = try FakeNode()
        let store = try await node.open().images
        let (one, two) = (ImageFixture([Layers.base]), ImageFixture([Layers.change]))
        let path = try node.layout([("one", one), ("two", two)])
        await #expect(throws: CRIError.self) { try await store.add(name: "a", path: path) }
        await #expect(throws: CRIError.self) { try await store.add(name: "a", path: path, reference: "three") }
        #expect(try await store.add(name: "a", path: path, reference: "two").manifest?.digest == two.manifest.digest)
    }

    /// As docker and containerd write several into one layout: the name that others know is the tag alone.
    @Test func imagesOfOneTagAreToldApartByTheirFullNames() async throws {
        let node = try FakeNode()
        let store = try await node.open().images
        let (one, two) = (ImageFixture([Layers.base]), ImageFixture([Layers.change]))
        let path = try node.layout([("latest", one), ("latest", two)])
        var index = try ImageManifestList(JSONValue(parsing: WholeFile.read(path + "/index.json")), file: "index.json")
        for (place, name) in ["docker.io/library/one:latest", "docker.io/library/two:latest"].enumerated() {
            index.manifests[place].annotations["io.containerd.image.name"] = name
        }
        try WholeFile.replace(path + "/index.json", with: index.json.encoded(), durable: false)
        do throws(CRIError) {
            _ = try await store.add(name: "a", path: path, reference: "latest")
            Issue.record("one of the two was taken")
        } catch {
            #expect(error.description.contains("docker.io/library/one:latest, docker.io/library/two:latest"))
        }
        let added = try await store.add(name: "a", path: path, reference: "docker.io/library/two:latest")
        #expect(added.manifest?.digest == two.manifest.digest)
        for short in ["one", "one:latest", "library/one"] {
            let added = try await store.add(name: "b", path: path, reference: short)
            #expect(added.manifest?.digest == one.manifest.digest)
        }
        await #expect(throws: CRIError.self) { try await store.add(name: "c", path: path, reference: "one:2") }
    }

    @Test func anArchiveOfDockerBecomesAnImage() async throws {
        let node = try FakeNode()
        let store = try await node.open().images
        let fixture = ImageFixture([Layers.base])
        var tar = TarFixture()
        let config = fixture.files.first { $0.value.starts(with: Array(#"{"architecture"#.utf8)) }
        let text = try #require(config.map { String(decoding: $0.value, as: UTF8.self) })
        tar.add("config.json.file", text)
        tar.add("abc/layer.tar", String(decoding: Layers.base, as: UTF8.self))
        tar.add("linked.tar", type: "2", link: "abc/layer.tar")
        tar.add(
            "manifest.json", #"[{"Config":"config.json.file","RepoTags":["busybox:1"],"Layers":["linked.tar"]}]"#)
        try WholeFile.replace(node.directory + "/saved.tar", with: tar.archive, durable: false)
        let record = try await store.add(name: "saved", path: node.directory + "/saved.tar")
        #expect(record.layers.map(\.key) == [fixture.layers[0].digest] && record.configuration.command == ["/bin/sh"])
        #expect(try OpenDirectory(node.paths.data + "/images/staging").names().isEmpty)
    }

    @Test func filesThatAreNotWhatTheySayAreRefused() async throws {
        let node = try FakeNode()
        let store = try await node.open().images
        let fixture = ImageFixture([Layers.base])
        let path = try node.layout([("a", fixture)])
        let blob = path + "/blobs/sha256/" + fixture.layers[0].digest.hex
        try WholeFile.replace(blob, with: Layers.change, durable: false)
        await #expect(throws: CRIError.self) { try await store.add(name: "a", path: path) }
        // A layer that unpacks to other bytes than the configuration says.
        var liar = ImageFixture([Layers.base])
        let config = ImageFile(platform: .host, configuration: ImageConfiguration(), layers: [Digest(of: [1])]).json
            .encoded()
        liar.files[Digest(of: config)] = config
        let manifest = ImageManifest(
            mediaType: ImageMediaType.manifest,
            configuration: ImageDescriptor(
                mediaType: ImageMediaType.configuration, digest: Digest(of: config), size: UInt64(config.count)),
            layers: liar.layers
        ).json.encoded()
        liar.files[Digest(of: manifest)] = manifest
        liar.manifest.digest = Digest(of: manifest)
        await #expect(throws: CRIError.self) {
            try await store.add(name: "b", path: try node.layout([("b", liar)], at: "liar"))
        }
        let foreign = ImageFixture([Layers.base], platform: ImagePlatform(architecture: "mips"))
        await #expect(throws: CRIError.self) {
            try await store.add(name: "c", path: try node.layout([("c", foreign)], at: "foreign"))
        }
        #expect(store.records.count == 1)
    }

    @Test func aDamagedLayerHealsAlone() async throws {
        let node = try FakeNode()
        let store = try await node.open().images
        let fixture = ImageFixture([Layers.base, Layers.change])
        let record = try await store.add(name: "a", path: try node.layout([("a", fixture)]))
        let page = node.paths.data + "/images/trees/\(record.layers[1].key.hex)/srv/page"
        try WholeFile.replace(page, with: Array("other".utf8), mode: 0o644, durable: false)
        #expect(try await store.verifyAll().isEmpty)
        #expect(try WholeFile.read(page) == Array("hello".utf8))
        // With its packed file damaged too, the image is absent until it is fetched again.
        let blob = store.content.path(of: fixture.layers[1].digest)
        for path in [page, blob] { try WholeFile.replace(path, with: [], mode: 0o644, durable: false) }
        #expect(try await store.verifyAll() == ["docker.io/library/a:latest"])
        let later = try await node.open().images
        try await later.verify()
        #expect(later.damaged == store.damaged, "the next daemon finds it too")
        #expect(try await store.imageStatus("a") == nil && store.records.contains { $0.id == record.id })
        #expect(throws: CRIError.self) { try store.use("a", called: "a", by: "container") }
        _ = try await store.add(name: "a", path: try node.layout([("a", fixture)]))
        #expect(try await store.imageStatus("a") != nil && store.damaged.isEmpty)
        #expect(try WholeFile.read(page) == Array("hello".utf8))
    }

    /// As where an earlier version read the names of a tree in another order.
    @Test func aSealOfAnotherMakingIsMadeAnew() async throws {
        let node = try FakeNode()
        let fixture = ImageFixture([Layers.base, Layers.change, Layers.dependent])
        let record = try await node.open().images.add(name: "a", path: try node.layout([("a", fixture)]))
        let file = node.paths.data + "/images/index.json"
        var text = String(decoding: try WholeFile.read(file), as: UTF8.self)
        for layer in record.layers { text.replace(layer.seal.description, with: Digest(of: [1]).description) }
        try WholeFile.replace(file, with: Array(text.utf8), durable: false)
        let store = try await node.open().images
        func layers(_ store: ImageStore) -> [ImageLayer]? { store.records.first { $0.id == record.id }?.layers }
        #expect(layers(store) != record.layers)
        try await store.verify()
        #expect(store.damaged.isEmpty && layers(store) == record.layers)
        #expect(try await layers(node.open().images) == record.layers)
        #expect(store.state.withLock { $0.held.isEmpty && $0.loose.isEmpty })
    }

    /// Versions that took names for text read those that are not in normal form in another order. A directory's image has no packed file to be made anew from.
    @Test func aDirectorysSealOfAnEarlierVersionIsTakenOver() async throws {
        let node = try FakeNode()
        for name in ["e\u{301}", "f"] { try node.write("rootfs/\(name)", name) }
        let images = try await node.open().images
        let seal = try await images.add(name: "a", path: node.directory + "/rootfs").layers[0].seal
        let trees = node.paths.data + "/images/trees/"
        let earlier = try TreeSeal.seal(trees + seal.hex, order: .text).digest
        #expect(earlier != seal)
        // It was the tree's name too.
        #expect(rename(trees + seal.hex, trees + earlier.hex) == 0)
        let file = node.paths.data + "/images/index.json"
        var text = String(decoding: try WholeFile.read(file), as: UTF8.self)
        text.replace(seal.description, with: earlier.description)
        try WholeFile.replace(file, with: Array(text.utf8), durable: false)
        let store = try await node.open().images
        try await store.verify()
        #expect(store.damaged.isEmpty)
        let layer = try #require(store.records.first { $0.names.contains("docker.io/library/a:latest") }?.layers.first)
        #expect(layer.key == earlier && layer.seal == seal)
        #expect(try await node.open().images.records.contains { $0.layers == [layer] })
        let changed = trees + earlier.hex + "/f"
        try WholeFile.replace(changed, with: Array("other".utf8), mode: 0o644, durable: false)
        #expect(try await store.verifyAll().contains("docker.io/library/a:latest"))
    }

    @Test func aMissingTreeIsFoundAtTheStart() async throws {
        let node = try FakeNode()
        let record = try await node.open().images.add(
            name: "a", path: try node.layout([("a", ImageFixture([Layers.base]))]))
        try TreeRemoval.remove(node.paths.data + "/images/trees/" + record.layers[0].key.hex)
        let store = try await node.open().images
        #expect(try await store.imageStatus("a") == nil)
        try await store.ready("a")
        #expect(try await store.imageStatus("a") != nil)
    }

    @Test func anIndexOfVersionOneIsRead() async throws {
        let node = try FakeNode()
        let before = try await node.open().images.records[0]
        let old: JSONValue = [
            "version": 1,
            "images": [
                [
                    "id": .string(before.id.description), "tree": .string(before.layers[0].key.description),
                    "names": .list(before.names), "size": .integer(Int64(before.size)),
                    "entries": .integer(Int64(before.layers[0].entries)), "addedAt": .integer(before.addedAt),
                    "config": before.configuration.json,
                ]
            ],
        ]
        try WholeFile.replace(node.paths.data + "/images/index.json", with: old.encoded(), durable: false)
        let store = try await node.open().images
        #expect(store.records == [before])
        #expect(try await store.verifyAll().isEmpty)
    }

    /// An earlier version wrote into the index what it knew of a configuration.
    @Test func aConfigurationIsReadFromTheImagesOwnFile() async throws {
        let node = try FakeNode()
        let fixture = ImageFixture([Layers.base], user: "web", volumes: ["/data"])
        let record = try await node.open().images.add(name: "a", path: try node.layout([("a", fixture)]))
        #expect(record.configuration.volumes == ["/data"])
        let file = node.paths.data + "/images/index.json"
        var text = String(decoding: try WholeFile.read(file), as: UTF8.self)
        text.replace("\"Volumes\"", with: "\"Other\"")
        try WholeFile.replace(file, with: Array(text.utf8), durable: false)
        #expect(try await node.open().images.records.contains(record))
        // Where that file is damaged, the index's reading is better than none.
        let own = node.paths.data + "/images/blobs/" + record.id.hex
        try WholeFile.replace(own, with: [], durable: false)
        let left = try await node.open().images.records.first { $0.id == record.id }
        #expect(left?.configuration.user == "web" && left?.configuration.volumes == [])
    }

    @Test func whatIsAddedHasTheSizesThatItSays() async throws {
        let node = try FakeNode()
        let store = try await node.open().images
        let fixture = ImageFixture([Layers.base], lie: 1)
        let error = await #expect(throws: CRIError.self) {
            try await store.add(name: "a", path: try node.layout([("a", fixture)]))
        }
        #expect(error?.description.contains("bytes, and what names it says") == true)
    }

    @Test func namesPinsAndPruning() async throws {
        let node = try FakeNode()
        let store = try await node.open().images
        let record = try await store.add(name: "a", path: try node.layout([("a", ImageFixture([Layers.base]))]))
        try await store.tag("a", as: "b:2")
        #expect(try await store.imageStatus("b:2")?.id == record.id.description)
        try await store.removeImage("a")
        try await store.pin("b:2", true)
        await #expect(throws: CRIError.self) { try await store.removeImage("b:2") }
        #expect(try await store.prune(all: true).images == ["docker.io/library/test:latest"])
        try await store.pin("b:2", false)
        let pruned = try await store.prune(all: true)
        #expect(pruned.images == ["docker.io/library/b:2"] && pruned.bytes > 0)
        #expect(try await store.imageFilesystem().usedBytes == 0)
        await #expect(throws: CRIError.self) { try await store.tag("a", as: "c") }
    }
}
