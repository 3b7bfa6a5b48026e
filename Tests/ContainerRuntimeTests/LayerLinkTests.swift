import CRI
import Glibc
import Linux
import OCI
import Testing

@testable import ContainerRuntime

/// Layers whose members lie where a link of another layer leads.
@Suite struct LayerLinkTests {
    /// A layer with directories of its own, links among them and files.
    private static var merged: [UInt8] {
        var tar = TarFixture()
        for path in ["usr/", "usr/lib/", "usr/lib/old/", "srv/"] as [FilePath] { tar.add(path, type: "5", mode: 0o711) }
        tar.add("usr/lib/a", "below")
        tar.add("usr/lib/old/b", "below")
        tar.add("lib", type: "2", link: "usr/lib")
        tar.add("deep", type: "2", link: "/srv/../lib/old")
        tar.add("loop", type: "2", link: "loop")
        tar.add("out", type: "2", link: "../../../../outside")
        tar.add("nowhere", type: "2", link: "/not/there")
        return tar.archive
    }

    /// The layers of an image, and the node that they lie on.
    private struct Stacked {
        let node: FakeNode
        let stack: LayerStack

        func look(_ components: FilePath...) throws -> LayerStack.Found? { try stack.look(components) }

        func text(_ path: FilePath) throws -> String? {
            try stack.read(path).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    private func stack(_ layers: [UInt8]...) async throws -> Stacked {
        let node = try FakeNode()
        let store = try await node.open().images
        let record = try await store.add(name: "a", path: try node.layout([("a", ImageFixture(layers))]))
        return Stacked(node: node, stack: LayerStack(layers: store.directories(of: record)))
    }

    @Test func membersGoWhereTheLinkLeads() async throws {
        var tar = TarFixture()
        tar.add("lib/new", "above")
        tar.add("lib/old/b", "above")
        tar.add("deep/c", "above")
        let stacked = try await stack(Self.merged, tar.archive)
        #expect(try stacked.look("lib")?.type == S_IFLNK)
        #expect(try stacked.text("usr/lib/new") == "above" && stacked.text("usr/lib/a") == "below")
        #expect(try stacked.text("usr/lib/old/b") == "above" && stacked.text("usr/lib/old/c") == "above")
        #expect(try stacked.look("usr", "lib", "old")?.status.st_mode.permissions == 0o711)
        #expect(try stacked.look("usr", "lib")?.status.st_mode.permissions == 0o711)
    }

    @Test func whatIsTakenAwayThroughALinkIsGone() async throws {
        var tar = TarFixture()
        tar.add("lib/.wh.a")
        tar.add("deep/.wh..wh..opq")
        tar.add("deep/d", "above")
        let stacked = try await stack(Self.merged, tar.archive)
        #expect(try stacked.text("usr/lib/a") == nil && stacked.text("lib/a") == nil)
        #expect(try stacked.text("usr/lib/old/b") == nil && stacked.text("usr/lib/old/d") == "above")
        #expect(try stacked.look("lib")?.type == S_IFLNK)
    }

    /// Links of a layer to one file beneath, also by each other, are one file; a later member takes the place of one.
    @Test func linksToOneFileBeneathAreOneFile() async throws {
        var tar = TarFixture()
        for path in ["usr/", "usr/lib/"] as [FilePath] { tar.add(path, type: "5", mode: 0o711) }
        tar.add("usr/lib/two", type: "1", link: "usr/lib/a")
        tar.add("usr/lib/three", type: "1", link: "usr/lib/two")
        tar.add("usr/lib/four", type: "1", link: "usr/lib/a")
        tar.add("usr/lib/two", "replaced")
        let stacked = try await stack(Self.merged, tar.archive)
        #expect(try stacked.text("usr/lib/two") == "replaced")
        for path in ["usr/lib/three", "usr/lib/four"] as [FilePath] { #expect(try stacked.text(path) == "below") }
        let three = try stacked.look("usr", "lib", "three")?.status
        #expect(try three?.st_nlink == 2 && stacked.look("usr", "lib", "four")?.status.st_ino == three?.st_ino)
    }

    /// A link that waits for a file beneath gives way to a directory, whether the archive has it or not, and stays before a whiteout as all of its layer does.
    @Test(arguments: ["x/", "x/y", ".wh.x"] as [FilePath])
    func whatComesAfterALinkToAFileBeneath(path: FilePath) async throws {
        var tar = TarFixture()
        tar.add("x", type: "1", link: "usr/lib/a")
        tar.add(path, type: path == "x/" ? "5" : "0")
        let stacked = try await stack(Self.merged, tar.archive)
        #expect(try stacked.look("x")?.type == (path == ".wh.x" ? S_IFREG : S_IFDIR))
        #expect(try stacked.text("x") == (path == ".wh.x" ? "below" : nil))
    }

    /// What takes the place of something that the layer hides has nothing of it: neither where a link led nor a directory's mode.
    @Test(arguments: [true, false]) func whatIsHiddenDoesNotComeBack(isHiddenFirst: Bool) async throws {
        var tar = TarFixture()
        let hidden: [FilePath] = [".wh.lib", ".wh.usr"]
        let members: [FilePath] = ["lib/new", "usr/lib/old/new"]
        for path in isHiddenFirst ? hidden + members : members + hidden { tar.add(path, "above") }
        let stacked = try await stack(Self.merged, tar.archive)
        #expect(try stacked.look("lib")?.type == S_IFDIR && stacked.text("lib/new") == "above")
        #expect(try stacked.text("usr/lib/new") == nil && stacked.text("usr/lib/a") == nil)
        #expect(try stacked.text("usr/lib/old/new") == "above")
        for path in [["usr"], ["usr", "lib"], ["usr", "lib", "old"]] as [[FilePath]] {
            #expect(try stacked.stack.look(path)?.status.st_mode.permissions == 0o755)
        }
    }

    @Test func hardLinksLeadThroughLinksAndAcrossLayers() async throws {
        var middle = TarFixture()
        middle.add("./", type: "5", mode: 0o755)
        middle.add("unrelated", "x")
        var tar = TarFixture()
        tar.add("lib/twin", type: "1", link: "lib/old/b")
        tar.add("top", type: "1", link: "deep/b")
        tar.add("link", type: "1", link: "nowhere")
        let stacked = try await stack(Self.merged, middle.archive, tar.archive)
        #expect(try stacked.text("usr/lib/twin") == "below" && stacked.text("top") == "below")
        #expect(try stacked.look("link")?.type == S_IFLNK)
    }

    /// As docker and containerd do: what the archive itself says is a directory takes the link's place.
    @Test func aDirectoryOfTheArchiveReplacesTheLink() async throws {
        var tar = TarFixture()
        tar.add("lib/", type: "5", mode: 0o755)
        tar.add("lib/new", "above")
        let stacked = try await stack(Self.merged, tar.archive)
        #expect(try stacked.look("lib")?.type == S_IFDIR)
        #expect(try stacked.text("lib/new") == "above" && stacked.text("usr/lib/new") == nil)
    }

    @Test func aLinkToADirectoryBeneathIsFollowedInItsOwnLayer() async throws {
        var tar = TarFixture()
        tar.add("data", type: "2", link: "/usr/lib/old")
        tar.add("data/e", "above")
        let stacked = try await stack(Self.merged, tar.archive)
        #expect(try stacked.text("usr/lib/old/e") == "above" && stacked.text("data/b") == "below")
    }

    @Test func theMemberUnderItsRealNameStays() async throws {
        var tar = TarFixture()
        tar.add("lib/both", "by the link")
        tar.add("usr/lib/both", "by its name")
        let stacked = try await stack(Self.merged, tar.archive)
        #expect(try stacked.text("usr/lib/both") == "by its name")
    }

    /// Links into another layer, one of which climbs above the root, and so stays in it.
    @Test func usersAreFoundWhereverLinksLead() async throws {
        var below = TarFixture()
        below.add("share/passwd", "web:x:33:34::/srv:/bin/sh\n")
        below.add("share/group", "www:x:34:web\n")
        var tar = TarFixture()
        tar.add("etc/passwd", type: "2", link: "/share/passwd")
        tar.add("etc/group", type: "2", link: "../../../share/group")
        let node = try FakeNode()
        let store = try await node.open().images
        let image = ImageFixture([below.archive, tar.archive])
        let users = try store.userDatabase(of: try await store.add(name: "a", path: try node.layout([("a", image)])))
        #expect(users.user(named: "web")?.userID == 33 && users.group(named: "www")?.groupID == 34)
    }

    /// What is of the host's at the same path, no file, or too large, is not read.
    @Test func whatIsNoSmallFileOfTheStackIsNotRead() async throws {
        let host = try FakeNode()
        try host.write("theirs", "the host's")
        var tar = TarFixture()
        tar.add("climbs", type: "2", link: FilePath("../../../../../../../.." + host.directory + "/theirs"))
        tar.add("most", String(repeating: "x", count: 1 << 20))
        tar.add("more", String(repeating: "x", count: 1 << 20 + 1))
        tar.add("usr/pipe", type: "6")
        let stacked = try await stack(Self.merged, tar.archive)
        for path in ["climbs", "more", "usr", "usr/pipe", "loop", "nowhere", ""] as [FilePath] {
            #expect(try stacked.text(path) == nil)
        }
        #expect(try stacked.text("most")?.utf8.count == 1 << 20)
    }

    /// A container may nest directories as deep as it likes.
    @Test(arguments: [(200, "x"), (600, nil)]) func aLinkLeadsNoDeeperThanALayerIs(depth: Int, text: String?) throws {
        let node = try FakeNode()
        let target = Array(repeating: "d", count: depth).joined(separator: "/")
        try WholeFile.makeDirectories(node.directory + "/upper/" + target)
        try node.write("upper/\(target)/passwd", "x")
        #expect(symlink(target + "/passwd", node.directory + "/upper/passwd") == 0)
        let read = try LayerStack(layers: [node.directory + "/upper"]).read("passwd")
        #expect(read.map { String(decoding: $0, as: UTF8.self) } == text)
    }

    @Test(arguments: ["loop", "out", "nowhere"]) func linksThatLeadNowhereLeadNowhere(name: String) async throws {
        var tar = TarFixture()
        tar.add(FilePath("\(name)/file"), "above")
        let stacked = try await stack(Self.merged, tar.archive)
        #expect(try stacked.text(FilePath("\(name)/file")) == "above")
        #expect(access(stacked.node.directory + "/outside", F_OK) != 0 && access("/outside/file", F_OK) != 0)
    }

    /// A directory of the layer that became a link, and lies beneath a link of the layer below: what is merged and taken away is the layer's own,
    /// whatever of that name the host has.
    @Test func whatIsMergedIsNotTheHosts() async throws {
        let node = try FakeNode()
        let victim = node.directory + "/victim"
        try WholeFile.makeDirectories(victim + "/b")
        try node.write("victim/b/theirs", "stays")
        var below = TarFixture()
        for path in ["a/", "t/"] as [FilePath] { below.add(path, type: "5", mode: 0o755) }
        below.add("a/b", type: "2", link: "/t")
        var tar = TarFixture()
        tar.add("a/b/c", "implies a and a/b")
        tar.add("a", type: "2", link: FilePath(victim))
        tar.add(FilePath(victim + "/b/mine"), "moves")
        let store = try await node.open().images
        let layers = ImageFixture([below.archive, tar.archive])
        let record = try await store.add(name: "a", path: try node.layout([("a", layers)]))
        #expect(try WholeFile.read(victim + "/b/theirs") == Array("stays".utf8))
        #expect(try WholeFile.read(store.directories(of: record)[0] + "/t/mine") == Array("moves".utf8))
    }

    /// A directory of the layer that became a link to where its members belong: nothing is merged into itself.
    @Test func whatIsMergedIsNotItself() async throws {
        let node = try FakeNode()
        var tar = TarFixture()
        tar.add("lib/x", "implies lib")
        tar.add("lib", type: "2", link: "usr/lib")
        tar.add("usr/lib/sub/file", "stays")
        let store = try await node.open().images
        let record = try await store.add(
            name: "a", path: try node.layout([("a", ImageFixture([Self.merged, tar.archive]))]))
        #expect(try WholeFile.read(store.directories(of: record)[0] + "/usr/lib/sub/file") == Array("stays".utf8))
    }

    @Test func aLayerThatIsHealedIsTheSame() async throws {
        var tar = TarFixture()
        tar.add("lib/new", "above")
        let node = try FakeNode()
        let store = try await node.open().images
        let record = try await store.add(
            name: "a", path: try node.layout([("a", ImageFixture([Self.merged, tar.archive]))]))
        let top = store.directories(of: record)[0]
        try WholeFile.replace(top + "/usr/lib/new", with: Array("rotten".utf8), durable: false)
        #expect(try await store.verifyAll().isEmpty)
        #expect(try WholeFile.read(top + "/usr/lib/new") == Array("above".utf8))
    }
}

extension mode_t {
    fileprivate var permissions: mode_t { self & 0o7777 }
}
