import JSONTree
import OCI
import Testing

@Suite struct SpecificationTests {
    private func bundle(_ change: (inout JSONObject) -> Void = { _ in }) -> JSONValue {
        var object: JSONObject = [
            "ociVersion": "1.0.2", "root": ["path": "rootfs"], "unknown": [1, 2],
            "process": [
                "args": ["/bin/sh", "-c", "id"], "env": ["A=1"], "cwd": "/srv", "user": ["uid": 10, "gid": 20],
            ],
        ]
        change(&object)
        return .object(object)
    }

    /// A machine that says nothing of its level gets the image that most machines run, wherever it stands.
    @Test func ofSeveralLevelsTheLowestIsChosen() throws {
        let digest = try Digest("sha256:" + String(repeating: "a", count: 64))
        func list(_ variants: String...) -> ImageManifestList {
            ImageManifestList(
                variants.map {
                    ImageDescriptor(
                        mediaType: ImageMediaType.manifest, digest: digest, size: 1,
                        platform: ImagePlatform(architecture: "amd64", variant: $0))
                })
        }
        let machine = ImagePlatform(architecture: "amd64")
        #expect(list("v3", "v1", "v2").choose(for: machine)?.platform?.variant == "v1")
        #expect(list("v3", "", "v1").choose(for: machine)?.platform?.variant == "")
        #expect(list("v3").choose(for: ImagePlatform(architecture: "arm64", variant: "v8")) == nil)
    }

    /// As containerd does.
    @Test func aMachineOf64BitsIsGivenThe32BitsOfItsKindWhereThereIsNothingElse() throws {
        func chosen(_ texts: String..., for machine: String = "arm64/v8") throws -> String? {
            func platform(_ text: String) -> ImagePlatform {
                let parts = text.split(separator: "/").map(String.init)
                return ImagePlatform(architecture: parts[0], variant: parts.count > 1 ? parts[1] : "")
            }
            let entries = try texts.enumerated().map { place, text in
                ImageDescriptor(
                    mediaType: ImageMediaType.manifest,
                    digest: try Digest("sha256:" + String(repeating: String(place), count: 64)), size: 1,
                    platform: platform(text))
            }
            let found = ImageManifestList(entries).choose(for: platform(machine))
            return entries.firstIndex { $0.digest == found?.digest }.map { texts[$0] }
        }
        #expect(try chosen("arm/v5", "arm/v6", "arm/v8", "arm/v7", "arm64", "amd64") == "arm64")
        #expect(try chosen("arm/v7", "arm64/v9", "arm/v8") == "arm/v8")
        #expect(try chosen("arm/v5", "arm/v6", "arm/v7") == "arm/v7")
        #expect(try chosen("arm/v6", "arm") == "arm")
        #expect(try chosen("arm/v5", "arm/v6") == "arm/v6")
        #expect(try chosen("amd64", "arm/v5") == "arm/v5")
        #expect(try chosen("arm/v4", "arm/v9", "386", "arm64/v9") == nil)
        #expect(try chosen("arm/v7", "386", for: "amd64") == nil)
        #expect(ImagePlatform(architecture: "arm", variant: "v6").runs(on: ImagePlatform(architecture: "arm64")))
        #expect(
            !ImagePlatform(system: "windows", architecture: "arm").runs(on: ImagePlatform(architecture: "arm64")))
    }

    @Test func readsABundle() throws {
        let specification = try RuntimeSpecification(bundle(), file: "config.json")
        #expect(specification.rootPath == "rootfs")
        let image = specification.imageConfiguration
        #expect(image.command == ["/bin/sh", "-c", "id"])
        #expect(image.environment == ["A=1"])
        #expect(image.workingDirectory == "/srv")
        #expect(image.user == "10:20")
    }

    @Test func namesFileAndFieldOfAWrongType() {
        let value = bundle { $0["process"] = ["args": ["a", 1]] }
        #expect(throws: OCIError.field(file: "b/config.json", field: "process.args[1]", cause: "it must be a string")) {
            try RuntimeSpecification(value, file: "b/config.json")
        }
    }

    @Test func refusesAnIdentityThatWouldWrap() {
        for uid in [Int64(-1), 4_294_967_296, 2_147_483_648] {
            let value = bundle { $0["process"] = ["user": ["uid": .integer(uid)]] }
            #expect(throws: OCIError.self) { try RuntimeSpecification(value, file: "f") }
        }
    }

    @Test func needsVersionAndRoot() {
        #expect(throws: OCIError.self) { try RuntimeSpecification(bundle { $0["root"] = nil }, file: "f") }
        #expect(throws: OCIError.self) { try RuntimeSpecification(bundle { $0["ociVersion"] = nil }, file: "f") }
        #expect(throws: OCIError.self) { try RuntimeSpecification(["a"], file: "f") }
    }

    @Test func imageConfigurationSurvivesWriting() throws {
        let value: JSONValue = [
            "architecture": "amd64",
            "config": [
                "User": "web", "Env": ["PATH=/bin"], "Entrypoint": ["/e"], "Cmd": ["c"], "WorkingDir": "/w",
                "Labels": ["a": "b"], "StopSignal": "SIGQUIT", "Volumes": ["/w/data": [:], "/cache": [:]],
            ],
        ]
        let read = try ImageConfiguration(imageFile: value, file: "f")
        #expect(read.user == "web" && read.stopSignal == "SIGQUIT" && read.labels == ["a": "b"])
        #expect(read.volumes == ["/cache", "/w/data"])
        #expect(try ImageConfiguration(imageFile: ["config": read.json], file: "f") == read)
    }
}
