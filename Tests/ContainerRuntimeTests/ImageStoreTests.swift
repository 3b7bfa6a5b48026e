import CRI
import ContainerRuntime
import Glibc
import Linux
import TestSupport
import Testing

@Suite struct ImageStoreTests {
    private func store(_ node: FakeNode) async throws -> ImageStore {
        try await node.open().images
    }

    @Test func equalTreesAreOneImage() async throws {
        let node = try FakeNode()
        let store = try await store(node)
        let first = try await store.add(name: "a", path: node.directory + "/rootfs")
        let second = try await store.add(name: "b:2", path: node.directory + "/rootfs")
        #expect(first.id == second.id && second.names == ["docker.io/library/a:latest", "docker.io/library/b:2"])
        #expect(try OpenDirectory(node.paths.data + "/images/trees").names().count == 1)
        #expect(try await store.imageStatus("a")?.id == store.imageStatus(first.id.description)?.id)
        #expect(try await store.imageStatus(String(first.id.hex.prefix(12))) != nil)
        #expect(try await store.imageStatus("c") == nil)
        #expect(try await store.pullImage("docker.io/library/a", auth: nil) == first.id.description)
    }

    @Test func anImageIsASnapshot() async throws {
        let node = try FakeNode()
        let store = try await store(node)
        let before = try await store.add(name: "a", path: node.directory + "/rootfs")
        try node.write("rootfs/bin/sh", "changed")
        #expect(
            try WholeFile.read(node.paths.data + "/images/trees/\(before.layers[0].key.hex)/bin/sh") == Array("#!".utf8)
        )
        let after = try await store.add(name: "a", path: node.directory + "/rootfs")
        #expect(before.id != after.id)
        #expect(try await store.imageStatus("a")?.id == after.id.description)
        // The old one has lost its name and stays until it is removed.
        #expect(try await store.imageStatus(before.id.description)?.tags == [])
    }

    @Test func linksAndModesAreKept() async throws {
        let node = try FakeNode()
        let root = node.directory + "/rootfs"
        #expect(link(root + "/bin/sh", root + "/etc/hard") == 0)
        #expect(symlink("/nowhere", root + "/etc/soft") == 0)
        #expect(mkfifo(root + "/etc/pipe", 0o600) == 0)
        #expect(chmod(root + "/bin/sh", 0o4711) == 0)
        let record = try await store(node).add(name: "a", path: root)
        let tree = node.paths.data + "/images/trees/\(record.layers[0].key.hex)"
        var first = stat()
        var second = stat()
        #expect(lstat(tree + "/bin/sh", &first) == 0 && lstat(tree + "/etc/hard", &second) == 0)
        #expect(first.st_ino == second.st_ino && first.st_mode & 0o7777 == 0o4711)
        #expect(lstat(tree + "/etc/soft", &first) == 0 && first.st_mode & S_IFMT == S_IFLNK)
        #expect(lstat(tree + "/etc/pipe", &first) == 0 && first.st_mode & S_IFMT == S_IFIFO)
    }

    @Test func removesByNameAndById() async throws {
        let node = try FakeNode()
        let store = try await store(node)
        try await store.removeImage("test")
        let record = try await store.add(name: "a", path: node.directory + "/rootfs")
        _ = try await store.add(name: "b", path: node.directory + "/rootfs")
        try await store.removeImage("a")
        #expect(try await store.imageStatus("b") != nil)
        try await store.removeImage(record.id.description)
        #expect(try await store.listImages().isEmpty)
        #expect(try OpenDirectory(node.paths.data + "/images/trees").names().isEmpty)
        try await store.removeImage("a")
    }

    /// What cannot be taken apart is said to who runs the node, and changes nothing for who removes images.
    @Test func whatIsRemovedIsToldWhateverBecomesOfItsFiles() async throws {
        let node = try FakeNode()
        let log = KeptWords()
        let store = try await node.open(log).images
        try await store.pin("test", true)
        _ = try await store.add(name: "b", path: node.directory + "/rootfs")
        let removed = node.paths.data + "/images/removed"
        try TreeRemoval.remove(removed)
        try WholeFile.replace(removed, with: [], durable: false)
        let (images, bytes) = try await store.prune(all: true)
        #expect(images == ["docker.io/library/b:latest"] && bytes == 0)
        try await store.removeImage("nothing")
        #expect(log.words.value.withLock { $0 } == Array(repeating: "removed images still take room", count: 2))
    }

    @Test func changesAreTold() async throws {
        let node = try FakeNode()
        let store = try await store(node)
        let events = store.eventBacklog()
        let id = try await store.add(name: "a", path: node.directory + "/rootfs").id.description
        try await store.tag("a", as: "b:1")
        try await store.removeImage("docker.io/library/a:latest")
        try await store.removeImage(id)
        let batch = try #require(await events.next())
        #expect(batch.events.allSatisfy { $0.image == id })
        let told = batch.events.map { [$0.kind.rawValue, $0.name] }
        let (a, b) = ("docker.io/library/a:latest", "docker.io/library/b:1")
        #expect(told == [["added", a], ["tagged", b], ["untagged", a], ["removed", b]])
    }

    @Test func refusesWhatIsNoImage() async throws {
        let node = try FakeNode()
        let store = try await store(node)
        try WholeFile.makeDirectories(node.directory + "/bundle/rootfs/bin")
        try WholeFile.makeDirectories(node.directory + "/empty")
        for path in ["relative", node.directory + "/nowhere", node.directory + "/bundle", node.directory + "/empty"] {
            await #expect(throws: CRIError.self) { try await store.add(name: "a", path: path) }
        }
        try node.write("bundle/config.json", #"{"ociVersion":"1.0.2","root":{"path":"missing"}}"#)
        await #expect(throws: CRIError.self) { try await store.add(name: "a", path: node.directory + "/bundle") }
        await #expect(throws: CRIError.self) { try await store.add(name: "A B", path: node.directory + "/rootfs") }
        do {
            _ = try await store.pullImage("nginx", auth: nil)
            Issue.record("an image was pulled from nowhere")
        } catch {
            #expect(error.description.contains("swiftlet images add nginx"))
        }
        #expect(try OpenDirectory(node.paths.data + "/images/staging").names().isEmpty)
    }

    @Test func aBundleSaysWhatRuns() async throws {
        let node = try FakeNode()
        let store = try await store(node)
        try WholeFile.makeDirectories(node.directory + "/bundle/rootfs/bin")
        try node.write(
            "bundle/config.json",
            #"{"ociVersion":"1.0.2","root":{"path":"rootfs"},"process":{"args":["/bin/x","y"],"cwd":"/tmp","env":["A=1"]}}"#
        )
        let record = try await store.add(name: "a", path: node.directory + "/bundle")
        #expect(record.configuration.command == ["/bin/x", "y"] && record.configuration.workingDirectory == "/tmp")
        #expect(try await store.imageStatus("a")?.user == 0)
    }

    @Test func survivesARestart() async throws {
        let node = try FakeNode()
        let first = try await store(node)
        let record = try await first.add(name: "a", path: node.directory + "/rootfs")
        try WholeFile.makeDirectories(node.paths.data + "/images/trees/" + String(repeating: "0", count: 64))
        let second = try await store(node)
        #expect(second.records.contains(record))
        #expect(try OpenDirectory(node.paths.data + "/images/trees").names().count == 1)
        try WholeFile.replace(
            node.paths.data + "/images/index.json", with: Array(#"{"version":9}"#.utf8), durable: false)
        await #expect(throws: CRIError.self) { try await store(node) }
    }
}

@Suite struct TreeRemovalTests {
    @Test func removesTreesOfAnyDepth() async throws {
        let node = try FakeNode()
        let top = node.directory + "/deep"
        try WholeFile.makeDirectories(top)
        // Deeper than a path can be long.
        var directory = try Descriptor.open(top, O_RDONLY | O_DIRECTORY)
        let name = String(repeating: "d", count: 60)
        for _ in 0..<120 {
            guard mkdirat(directory.raw, name, 0o700) == 0 else { throw KernelError("mkdir", top) }
            directory = Descriptor(owning: openat(directory.raw, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        }
        try TreeRemoval.remove(top)
        #expect(access(top, F_OK) != 0)
        try TreeRemoval.remove(top)
    }

    @Test func followsNoLink() throws {
        let node = try FakeNode()
        try WholeFile.makeDirectories(node.directory + "/tree")
        #expect(symlink(node.directory + "/rootfs", node.directory + "/tree/link") == 0)
        try TreeRemoval.remove(node.directory + "/tree")
        #expect(access(node.directory + "/rootfs/bin/sh", F_OK) == 0)
    }

    @Test func resolvesInsideTheRoot() throws {
        let node = try FakeNode()
        #expect(symlink("/etc/passwd", node.directory + "/rootfs/etc/shadow") == 0)
        #expect(symlink("../../../../../../etc/passwd", node.directory + "/rootfs/etc/up") == 0)
        let root = try OpenDirectory(node.directory + "/rootfs")
        for name in ["etc/shadow", "etc/up", "/etc/passwd"] {
            let file = try root.openInRoot(FilePath(name), O_RDONLY)
            #expect(String(decoding: try WholeFile.read(file, path: name), as: UTF8.self).contains("web:x:33"))
        }
        try root.makeDirectoriesInRoot("a/../../b/c")
        #expect(access(node.directory + "/rootfs/b/c", F_OK) == 0)
    }
}
