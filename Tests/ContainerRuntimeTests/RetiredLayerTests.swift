import Glibc
import Linux
import Testing

@testable import ContainerRuntime

/// What becomes of a layer's tree that containers have mounted.
@Suite struct RetiredLayerTests {
    private func retired(_ node: FakeNode) -> [String] {
        (try? OpenDirectory(node.paths.data + "/images/retired").names()) ?? []
    }

    private func image(_ node: FakeNode) async throws -> (ImageStore, ImageRecord, tree: String) {
        let store = try await node.open().images
        let record = try await store.add(
            name: "a", path: try node.layout([("a", ImageFixture([Layers.base]))]))
        return (store, record, store.directories(of: record)[0])
    }

    private func file(_ tree: String) -> [UInt8] { (try? WholeFile.read(tree + "/etc/group")) ?? [] }

    @Test(arguments: [true, false]) func aDamagedLayerStaysWithWhoRunsOnIt(isUsed: Bool) async throws {
        let node = try FakeNode()
        let (store, record, tree) = try await image(node)
        let good = file(tree)
        if isUsed { _ = try store.use("a", called: "x", by: "c") }
        // What a mount holds is the directory, whatever its name.
        let mounted = try OpenDirectory(tree)
        try WholeFile.replace(tree + "/etc/group", with: Array("rotten".utf8), durable: false)
        #expect(try await store.verifyAll().isEmpty)
        #expect(file(tree) == good)
        #expect(((try? mounted.directoryInRoot("etc").names()) != nil) == isUsed)
        #expect(retired(node).count == (isUsed ? 1 : 0))
        // A daemon that starts anew knows its containers before it looks.
        let again = ImageStore(
            paths: node.paths, threads: BlockingThreads(count: 1), time: QuickTime(), logger: FakeNode.quiet)
        try await again.open()
        if isUsed { again.keep([record.id.description], layers: [], for: "c") }
        try await again.verify()
        #expect(retired(node).count == (isUsed ? 1 : 0))
        again.release(by: "c")
        try await again.verify()
        #expect(retired(node).isEmpty)
    }

    @Test func anImageThatIsRemovedByForceStaysWithWhoRunsOnIt() async throws {
        let node = try FakeNode()
        let (store, _, tree) = try await image(node)
        _ = try store.use("a", called: "x", by: "c")
        let mounted = try OpenDirectory(tree)
        try await store.removeImage("a", isForced: true)
        #expect(access(tree, F_OK) != 0)
        #expect(try mounted.directoryInRoot("etc").names() == ["group", "passwd"])
        store.release(by: "c")
        _ = try await store.prune(all: true)
        #expect(retired(node).isEmpty)
    }

    @Test func whoseLayersAreMountedIsForgottenWithTheLastWhoUsesThem() async throws {
        let node = try FakeNode()
        let (store, record, _) = try await image(node)
        _ = try await store.add(
            name: "b", path: try node.layout([("b", ImageFixture([Layers.base, Layers.change]))]))
        for container in ["c", "d"] { _ = try store.use("a", called: "x", by: container) }
        try await store.removeImage("a", isForced: true)
        let mounted = { store.state.withLock { $0.mounted } }
        for container in ["c", "d"] {
            #expect(mounted() == [record.layers[0].key: [record.id]])
            store.release(by: container)
        }
        #expect(mounted().isEmpty)
    }

    /// Another image has it still, and goes in the ordinary way: none of its containers are left.
    @Test(arguments: [false, true]) func aSharedLayerStaysWithWhoRunsOnIt(isStartedAnew: Bool) async throws {
        let node = try FakeNode()
        var (store, record, tree) = try await image(node)
        _ = try await store.add(
            name: "b", path: try node.layout([("b", ImageFixture([Layers.base, Layers.change]))]))
        _ = try store.use("a", called: "x", by: "c")
        let mounted = try OpenDirectory(tree)
        try await store.removeImage("a", isForced: true)
        #expect(access(tree, F_OK) == 0)
        if isStartedAnew {
            store = ImageStore(
                paths: node.paths, threads: BlockingThreads(count: 1), time: QuickTime(), logger: FakeNode.quiet)
            try await store.open()
            store.keep([record.id.description], layers: record.layers.map(\.key.description), for: "c")
        }
        try await store.removeImage("b")
        #expect(access(tree, F_OK) != 0)
        #expect(try mounted.directoryInRoot("etc").names() == ["group", "passwd"])
        store.release(by: "c")
        _ = try await store.prune(all: true)
        #expect(retired(node).isEmpty)
    }
}
