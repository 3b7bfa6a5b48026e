import CRI
import Glibc
import JSONTree
import Linux
import OCI
import TestSupport
import Testing

@testable import ContainerRuntime

/// Files of images with bytes changed, taken out, doubled and cut off: each is read or refused in words, and none traps or reaches outside. Each case has a seed
/// of its own; `WILD_SEED=7` replays one, `WILD_SEED=100-200` a range.
@Suite struct WildImageTests {
    /// Reads one file in all ways that a file of its kind is read.
    private static let readers: [(name: String, whole: JSONValue, read: @Sendable (JSONValue) throws -> Void)] = [
        (
            "manifest", ImageFixture([Layers.base, Layers.change]).manifestJSON,
            { value in
                let manifest = try ImageManifest(value, file: "f")
                _ = manifest.json.encoded()
            }
        ),
        (
            "index", index,
            { value in
                let list = try ImageManifestList(value, file: "f")
                _ = (list.choose(for: .host), list.offer, list.json.encoded())
            }
        ),
        (
            "configuration", configuration,
            { value in
                let file = try ImageFile(value, file: "f")
                _ = (file.chain, file.json.encoded(), file.configuration.json.encoded())
                _ = UserDatabase.identity(file.configuration.user)
                _ = try? ProcessIdentity(
                    ContainerSecurity(), imageUser: file.configuration.user,
                    database: UserDatabase(passwd: [], group: []))
            }
        ),
        (
            "docker archive",
            [["Config": "c.json", "RepoTags": ["a:1", "b:2"], "Layers": ["1/layer.tar", "2/layer.tar"]]],
            {
                _ = try DockerArchive($0, file: "f").json
            }
        ),
        (
            "store index", storeIndex,
            { value in
                let index = try ImageIndex(value, file: "f")
                _ = (index.json.encoded(), index.files, index.layers, index.find("a"), index.records.map(\.image))
            }
        ),
    ]

    private static let index: JSONValue = [
        "schemaVersion": 2,
        "manifests": .array(
            [ImagePlatform.host, ImagePlatform(architecture: "arm64", variant: "v7")].map { platform in
                ImageDescriptor(
                    mediaType: ImageMediaType.manifest, digest: Digest(of: [1]), size: 7, platform: platform,
                    annotations: [ImageManifestList.nameAnnotation: "a"]
                ).json
            }),
    ]

    private static let configuration: JSONValue = [
        "architecture": "amd64", "os": "linux",
        "config": [
            "User": "web:web", "Env": ["PATH=/bin", "A=b"], "Entrypoint": ["/bin/sh"], "Cmd": ["-c", "x"],
            "WorkingDir": "/srv", "Labels": ["a": "b"], "StopSignal": "SIGTERM",
        ],
        "rootfs": ["type": "layers", "diff_ids": [.string(Digest(of: [1]).description)]],
    ]

    private static let storeIndex: JSONValue = {
        let descriptor = ImageDescriptor(mediaType: ImageMediaType.layer, digest: Digest(of: [1]), size: 7)
        var record = ImageRecord(
            id: Digest(of: [2]), manifest: descriptor, blobs: [descriptor], layers: [], addedAt: 1,
            configuration: ImageConfiguration())
        record.names = ["docker.io/library/a:1"]
        var index = ImageIndex()
        _ = index.add(record)
        return index.json
    }()

    @Test(arguments: readers.indices) func aFileIsReadOrRefused(kind: Int) throws {
        let reader = Self.readers[kind]
        let whole = reader.whole.encoded()
        try reader.read(try JSONValue(parsing: whole))
        let seeds = WildBytes.seeds(10_000)
        var read = 0
        for seed in seeds {
            var wild = WildBytes(seed: seed)
            guard let value = try? JSONValue(parsing: wild.mutated(whole)) else { continue }
            if (try? reader.read(value)) != nil { read += 1 }
        }
        #expect(
            seeds.count < 10_000 || (50..<9_950).contains(read), "\(reader.name): \(read) of \(seeds.count) were read")
    }

    @Test func aLayerIsUnpackedOrRefused() throws {
        var tar = TarFixture()
        tar.add("a/", type: "5", mode: 0o755)
        tar.addAttributes([("SCHILY.xattr.user.note", "kept"), ("path", "a/longer"), ("size", "5")])
        tar.add("a/file", "hello")
        tar.add("up", type: "2", link: "../outside")
        tar.add("up/secret", "overwritten")
        tar.add("a/twin", type: "1", link: "a/longer")
        tar.add("a/.wh.b")
        tar.add("a/.wh..wh..opq")
        let seeds = WildBytes.seeds(1_500)
        var unpacked = 0
        for seed in seeds {
            let unpacking = try Unpacking()
            var wild = WildBytes(seed: seed)
            if (try? unpacking.unpack(wild.mutated(tar.archive), limits: LayerLimits(bytes: 1 << 20, entries: 100)))
                != nil
            {
                unpacked += 1
            }
            #expect(unpacking.outsideIsUntouched, "seed \(seed)")
        }
        #expect(seeds.count < 1_500 || (50..<1_450).contains(unpacked), "\(unpacked) of \(seeds.count) were unpacked")
    }

    /// What a registry says in its header fields.
    @Test func wordsOfARegistryAreReadOrRefused() throws {
        let texts = [
            #"Bearer realm="https://auth.example/token",service="s",scope="repository:a/b:pull""#,
            "https://storage.example:5000/a/b?c=d&e=f#g", "registry.example:5000/team/app:1@\(Digest(of: [1]))",
            "docker.io=https://mirror.example,http://10.0.0.1:5000 a:1=http://a:1",
        ]
        for seed in WildBytes.seeds(20_000) {
            var wild = WildBytes(seed: seed)
            let text = String(decoding: wild.mutated(Array(texts[wild.next(below: texts.count)].utf8)), as: UTF8.self)
            _ = RegistryChallenge(text)
            _ = RegistryURL(text, relativeTo: RegistryOrigin(isSecure: true, host: "a", port: 1))
            _ = (try? ImageReference(text)).map { try? ImageReference($0.description) }
            _ = (try? RegistryHosts(text))?.places(for: text)
            // A name that is taken is taken again in its full form, and means the same.
            if let name = try? ImageReference(text) {
                #expect(try ImageReference(name.description) == name, "seed \(seed)")
            }
        }
    }
}

extension ImageFixture {
    fileprivate var manifestJSON: JSONValue {
        files[manifest.digest].flatMap { try? JSONValue(parsing: $0) } ?? .null
    }
}
