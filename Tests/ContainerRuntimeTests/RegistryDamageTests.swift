import CRI
import Glibc
import JSONTree
import Linux
import OCI
import Testing

@testable import ContainerRuntime

/// Registries that lie, disks that rot, and daemons that died in between: a pull always finds its way back.
@Suite(.timeLimit(.minutes(15))) struct RegistryDamageTests {
    /// The daemon died between the last byte and the file's name: there is nothing left that a registry could give.
    @Test func aFileThatHasComeWholeIsTaken() async throws {
        let lab = try await RegistryLab()
        let partial = lab.store.content.partialPath(of: lab.layer)
        try WholeFile.replace(partial, with: Layers.base, durable: false)
        try await lab.pull()
        #expect(lab.layerRequests.isEmpty && access(partial, F_OK) != 0)
        #expect(try await lab.store.verifyAll().isEmpty)
    }

    @Test(arguments: [600, Layers.base.count]) func whatCameOnceAndIsWrongComesAnew(count: Int) async throws {
        let lab = try await RegistryLab()
        let wrong = [UInt8](repeating: 1, count: count)
        try WholeFile.replace(lab.store.content.partialPath(of: lab.layer), with: wrong, durable: false)
        try await lab.pull()
        #expect(lab.layerRequests.last?.headers["Range"] == nil && lab.layerRequests.count <= 2)
        #expect(try await lab.store.verifyAll().isEmpty)
    }

    /// A file that rots behind a tree that is whole: found by who hands it on, mended by who pulls.
    @Test func whatHasRottenComesAnew() async throws {
        let lab = try await RegistryLab()
        let record = try await lab.pull()
        for file in record.files {
            let path = lab.store.content.path(of: file)
            var bytes = try WholeFile.read(path)
            bytes[bytes.count / 2] ^= 1
            try WholeFile.replace(path, with: bytes, durable: false)
        }
        try await lab.pull()
        try await lab.store.tag("registry.example/app:1", as: "registry.example/other:2")
        // A registry takes no bytes that are not the digest's.
        lab.change { $0.files[lab.layer] = nil }
        let error = await #expect(throws: CRIError.self) { try await lab.store.push("registry.example/other:2") }
        #expect(error?.description.contains("image file \(lab.layer) is damaged on this node") == true)
        lab.change { $0.files[lab.layer] = Layers.base }
        lab.change { $0.files[lab.image.layers[1].digest] = nil }
        try await lab.pull()
        #expect(lab.layerRequests.count == 2)
    }

    /// The check would otherwise judge the file that was, and take away the one that came.
    @Test func aCheckWaitsForAFileThatComes() async throws {
        let lab = try await RegistryLab()
        try await lab.pull()
        let store = lab.store
        let path = store.content.path(of: lab.layer)
        try WholeFile.replace(path, with: [1], durable: false)
        let check = try await store.fileTurns.take(lab.layer) { [layer = lab.layer] () async throws(CRIError) in
            let check = Task { try await store.keepsWhole(layer) }
            #expect(await comes { store.fileTurns.waiting(for: layer) == 1 || store.content.size(of: layer) != 1 })
            #expect(store.content.size(of: layer) == 1)
            try attempt(path) { () throws(KernelError) in
                try WholeFile.replace(path, with: Layers.base, durable: false)
            }
            return check
        }
        #expect(try await check.value && store.content.size(of: lab.layer) == UInt64(Layers.base.count))
    }

    /// Nor does an archive put a file where a check is about to take one away.
    @Test func anArchiveWaitsForAFilesTurn() async throws {
        let lab = try await RegistryLab()
        let path = try lab.node.layout([("app", lab.image)])
        let store = lab.store
        for file in lab.image.files.keys {
            let add = try await store.fileTurns.take(file) { () async throws(CRIError) in
                let add = Task { try await store.add(name: "added.example/app:1", path: path) }
                #expect(await comes { store.fileTurns.waiting(for: file) == 1 || store.content.size(of: file) != nil })
                #expect(store.content.size(of: file) == nil)
                return add
            }
            #expect(try await add.value.files.contains(file) && store.content.size(of: file) != nil)
            try await store.removeImage("added.example/app:1")
            _ = try await store.prune(all: true)
        }
    }

    /// The manifest of a pull has no name yet.
    @Test func aFileThatIsBeingWrittenIsNotSwept() async throws {
        let lab = try await RegistryLab()
        let path = lab.store.content.path(of: lab.layer)
        let (ours, others) = ("\(path).new-\(getpid())-1", "\(path).new-\(pid_t.max)-1")
        for file in [ours, others] { try WholeFile.replace(file, with: [1], durable: false) }
        _ = try await lab.store.prune(all: true)
        #expect(access(ours, F_OK) == 0 && access(others, F_OK) != 0)
    }

    /// A layer that waits for those beneath it takes no room once they do not come.
    @Test func aPullThatFailsLeavesNoTreeThatWaits() async throws {
        let lab = try await RegistryLab()
        let image = ImageFixture([Layers.base, Layers.dependent, Layers.change])
        lab.registry.keep(image, as: "three:1")
        lab.change { $0.files[image.layers[2].digest] = [0] }
        #expect(await lab.refusal("registry.example/three:1").contains("failed to pull"))
        #expect(try OpenDirectory(lab.store.staging).names().isEmpty)
        lab.registry.keep(image, as: "three:1")
        lab.change { $0.files[image.layers[2].digest] = image.files[image.layers[2].digest] }
        try await lab.pull("registry.example/three:1")
    }

    /// Nobody would know whether half a tree is whole.
    @Test func aTreeLosesItsNameBeforeItsFiles() async throws {
        let lab = try await RegistryLab()
        let record = try await lab.pull()
        let tree = lab.store.tree(record.layers[0].key)
        // What is removed has to go through here.
        let removed = lab.store.content.removed.directory
        try TreeRemoval.remove(removed)
        try WholeFile.replace(removed, with: [], durable: false)
        await #expect(throws: CRIError.self) { try await lab.store.removeImage("registry.example/app:1") }
        #expect(access(tree + "/etc/passwd", F_OK) == 0)
        try TreeRemoval.remove(removed)
        try await lab.pull()
        #expect(try await lab.store.verifyAll().isEmpty)
    }

    /// The same bytes must not be one image here and another elsewhere (CVE-2021-41190).
    @Test func whatIsManifestAndIndexIsRefused() async throws {
        let lab = try await RegistryLab()
        let bytes = lab.image.files[lab.image.manifest.digest] ?? []
        guard case .object(var both) = try JSONValue(parsing: bytes) else { return }
        both["manifests"] = .array([lab.image.manifest.json])
        both["mediaType"] = nil
        for (type, words) in [(ImageMediaType.manifest, "no manifest"), (ImageMediaType.index, "no index")] {
            lab.change { state in
                state.manifests["both:1"] = JSONValue.object(both).encoded()
                state.types["both:1"] = type
                state.manifests["says:1"] = bytes
                state.types["says:1"] = ImageMediaType.index
            }
            #expect(await lab.refusal("registry.example/both:1").contains(words))
            #expect(await lab.refusal("registry.example/says:1").contains("no index"))
        }
    }

    /// The specification takes a size for what has to come, and 0 for that of an empty file alone.
    @Test(arguments: ["config", "layers"]) func aSizeThatIsLeftAtZeroIsRefused(member: String) async throws {
        let lab = try await RegistryLab()
        let manifest = try JSONValue(parsing: lab.image.files[lab.image.manifest.digest] ?? [])
        guard case .object(var changed) = manifest else { return }
        func emptied(_ value: JSONValue?) -> JSONValue {
            guard case .object(var object) = value else { return .null }
            object["size"] = 0
            return .object(object)
        }
        changed[member] =
            member == "config" ? emptied(changed[member]) : .array((changed[member]?.array ?? []).map { emptied($0) })
        lab.change { $0.manifests["app:1"] = JSONValue.object(changed).encoded() }
        let text = await lab.refusal()
        #expect(text.contains("\(member)") && text.contains("size: it is 0"), "\(text)")
        #expect(lab.registry.seen.count == 1)
    }

    /// Its words end in terminals, logs and events.
    @Test func whatTheRegistrySaysIsShortAndPrintable() {
        let evil = "\u{1b}]0;x\u{7}a\r\nb\u{9b}c\u{e9}" + String(repeating: "z", count: 100_000)
        let body: JSONValue = ["errors": [["code": .string(evil), "message": .string(evil)]]]
        let words = RegistryFailure.words(body.encoded())
        #expect(words.hasPrefix("]0;xabc\u{e9}z") && words.utf8.count < 1_100)
        #expect(RegistryFailure.words(JSONValue.object(["details": .string(evil)]).encoded()).utf8.count < 550)
    }

    /// A minute later, on a clock on which that is over at once.
    @Test(arguments: ["manifests", "blobs"]) func anAnswerWithoutAnEndIsCutOff(kind: String) async throws {
        let lab = try await RegistryLab(time: HastyTime())
        lab.change { $0.endless = kind }
        #expect(await lab.refusal().contains("did not end within 60.0 seconds"))
        lab.change { $0.endless = nil }
        try await lab.pull()
    }

    /// Nothing of it is the registry's fault, and no other place is asked.
    @Test(arguments: ["manifests", "blobs"]) func aPullThatIsCancelledSaysSo(kind: String) async throws {
        let lab = try await RegistryLab("registry.example=https://a.example")
        lab.change { $0.endless = kind }
        let pull = Task { await lab.refusal() }
        #expect(await comes { lab.registry.seen.contains { $0.request.path.contains("/\(kind)/") } })
        pull.cancel()
        #expect(await pull.value == "the pull of registry.example/app:1 was cancelled")
        #expect(lab.seen("registry.example").isEmpty)
    }

    @Test func aPushThatIsCancelledSaysSo() async throws {
        let lab = try await RegistryLab()
        try await lab.pull()
        lab.change { $0.endless = "manifests" }
        let push = Task {
            do throws(CRIError) {
                _ = try await lab.store.push("registry.example/app:1")
                return "it was pushed"
            } catch {
                return error.description
            }
        }
        #expect(await comes { lab.registry.seen.contains { $0.request.method == .put } })
        push.cancel()
        #expect(await push.value == "the push of registry.example/app:1 was cancelled")
    }
}
