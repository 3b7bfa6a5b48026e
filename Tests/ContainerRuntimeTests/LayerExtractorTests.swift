import CRI
import Glibc
import Linux
import OCI
import Testing

@testable import ContainerRuntime

/// A directory that an archive is unpacked into, with another one beside it that nothing may reach.
final class Unpacking {
    let node: FakeNode
    var root: String { node.directory + "/layer" }
    var outside: String { node.directory + "/outside" }

    init() throws {
        node = try FakeNode()
        for path in [root, outside, node.directory + "/trash"] { try WholeFile.makeDirectories(path) }
        try node.write("outside/secret", "secret")
    }

    @discardableResult
    func unpack(_ bytes: [UInt8], limits: LayerLimits = LayerLimits()) throws -> ExtractedLayer {
        try WholeFile.replace(node.directory + "/blob", with: bytes, durable: false)
        return try LayerExtractor.extract(
            try Descriptor.open(node.directory + "/blob", O_RDONLY), object: "layer", into: root,
            trash: node.directory + "/trash", limits: limits)
    }

    func text(_ path: String) -> String? {
        (try? WholeFile.read(root + "/" + path)).map { String(decoding: $0, as: UTF8.self) }
    }

    func status(_ path: String) -> stat? {
        var status = stat()
        return lstat(root + "/" + path, &status) == 0 ? status : nil
    }

    var outsideIsUntouched: Bool {
        (try? OpenDirectory(outside).names()) == ["secret"]
            && (try? WholeFile.read(outside + "/secret")) == Array("secret".utf8)
    }
}

@Suite struct LayerExtractorTests {
    /// To a search by characters the second slash is none, and the name would lead through the link to the host.
    @Test func aSlashIsOneWhateverFollowsIt() throws {
        let unpacking = try Unpacking()
        var tar = TarFixture()
        tar.add("out", type: "2", link: FilePath(unpacking.outside))
        tar.add("out/\u{301}written", "evil")
        tar.add("out/\u{301}made/", type: "5")
        tar.add("out/\u{301}linked", type: "2", link: "secret")
        tar.add("out/.wh.\u{301}hidden")
        tar.add("climbs/../\u{301}written", "evil")
        #expect(throws: CRIError.self) { try unpacking.unpack(tar.archive) }
        #expect(unpacking.outsideIsUntouched)
        #expect(unpacking.text(unpacking.outside + "/\u{301}written") == "evil")
    }

    /// Two ways to write one letter are two names.
    @Test func namesThatLookAlikeAreTwo() throws {
        let unpacking = try Unpacking()
        var tar = TarFixture()
        tar.add("\u{e9}/one", "1")
        tar.add("e\u{301}/two", "2")
        try unpacking.unpack(tar.archive)
        #expect(unpacking.text("\u{e9}/one") == "1" && unpacking.text("e\u{301}/two") == "2")
        #expect(unpacking.status("\u{e9}/two") == nil && unpacking.status("e\u{301}/one") == nil)
    }

    @Test func membersBecomeFiles() throws {
        let unpacking = try Unpacking()
        var tar = TarFixture()
        tar.add("./", type: "5", mode: 0o755)
        tar.add("bin/", type: "5", mode: 0o750)
        tar.addAttributes([("SCHILY.xattr.user.note", "kept"), ("mtime", "1600000000.25")])
        tar.add("bin/tool", "#!", mode: 0o4755)
        tar.add("bin/alias", type: "2", link: "tool")
        tar.add("bin/twin", type: "1", link: "bin/tool")
        tar.add("./run/pipe", type: "6", mode: 0o600)
        tar.add("/etc/hostname", "absolute", mode: 0o600)
        let layer = try unpacking.unpack(tar.archive)
        #expect(layer.digest == Digest(of: tar.archive) && layer.implied == ["run", "etc"] && layer.links.isEmpty)
        #expect(unpacking.text("bin/alias") == "#!" && unpacking.text("etc/hostname") == "absolute")
        let tool = try #require(unpacking.status("bin/tool"))
        #expect(tool.st_mode & 0o7777 == 0o4755 && tool.st_nlink == 2)
        #expect(tool.st_mtim.tv_sec == 1_600_000_000 && tool.st_mtim.tv_nsec == 250_000_000)
        #expect(unpacking.status("bin/twin")?.st_ino == tool.st_ino)
        #expect(unpacking.status("bin")?.st_mode ?? 0 & 0o7777 == S_IFDIR | 0o750)
        #expect(unpacking.status("bin")?.st_mtim.tv_sec == 1_700_000_000)
        #expect(unpacking.status("run/pipe")?.st_mode == S_IFIFO | 0o600)
        let file = try Descriptor.open(unpacking.root + "/bin/tool", O_RDONLY)
        #expect(
            try FileAttributes.all(file, path: "tool").contains { $0.0 == "user.note" && $0.1 == Array("kept".utf8) })
    }

    @Test func laterMembersReplaceEarlierOnes() throws {
        let unpacking = try Unpacking()
        var tar = TarFixture()
        tar.add("a/b/c", "deep")
        tar.add("a", "a file now")
        tar.add("link", type: "2", link: "a")
        tar.add("link", "no link")
        tar.add("d", "file")
        tar.add("d/", type: "5")
        tar.add("d/e", "inside")
        try unpacking.unpack(tar.archive)
        #expect(unpacking.text("a") == "a file now" && unpacking.text("link") == "no link")
        #expect(unpacking.text("d/e") == "inside" && unpacking.status("link")?.st_mode ?? 0 & S_IFMT == S_IFREG | 0o644)
    }

    @Test func whiteoutsTakeOverlaysForm() throws {
        let unpacking = try Unpacking()
        var tar = TarFixture()
        tar.add("etc/.wh.gone", "")
        tar.add("etc/.wh.back", "")
        tar.add("etc/back/", type: "5")
        // The same, by a member alone.
        tar.add(".wh.opt", "")
        tar.add("opt/a/b", "above")
        tar.add("etc/file", "mine")
        tar.add("etc/.wh.file", "")
        tar.add("var/.wh..wh..opq", "")
        tar.add("var/.wh..wh.plnk/x", "")
        tar.add(".wh..wh.aufs", "")
        try unpacking.unpack(tar.archive)
        let gone = try #require(unpacking.status("etc/gone"))
        #expect(OverlayMark.isWhiteout(gone) && unpacking.text("etc/file") == "mine")
        #expect(unpacking.text("opt/a/b") == "above")
        for (path, isOpaque) in [("etc/back", true), ("var", true), ("opt", true), ("opt/a", false), ("etc", false)] {
            let directory = try Descriptor.open(unpacking.root + "/" + path, O_RDONLY)
            let found = try FileAttributes.all(directory, path: path).contains { $0.0 == OverlayMark.opaque }
            #expect(found == isOpaque, "\(path)")
        }
        #expect(unpacking.status(".wh..wh.aufs") == nil)
    }

    @Test func zerosBecomeHoles() throws {
        let unpacking = try Unpacking()
        var tar = TarFixture()
        let zeros = String(repeating: "\u{0}", count: 4 << 20)
        tar.add("sparse", zeros + "end")
        try unpacking.unpack(tar.archive)
        let status = try #require(unpacking.status("sparse"))
        #expect(status.st_size == (4 << 20) + 3 && status.st_blocks * 512 < 1 << 20)
    }

    /// What would lead out of the layer. Each archive is harmless or refused, and nothing outside is reached.
    @Test(arguments: [
        [("x/../../outside/new", "0", "")], [("../outside/new", "0", "")],
        [("up", "2", "../outside"), ("up/new", "0", "")], [("up", "2", "/"), ("up/outside/new", "0", "")],
        [("up", "2", "../outside/secret"), ("up", "0", "")], [("hard", "1", "../outside/secret"), ("hard", "0", "")],
        [("up", "2", ".."), ("hard", "1", "up/outside/secret")], [("a/.wh...", "0", "")], [(".wh..", "0", "")],
        [("up", "2", "../outside"), ("up/.wh.secret", "0", "")],
        [("up", "2", "../outside"), ("up/.wh..wh..opq", "0", "")],
        [("up", "2", "../outside"), ("up/secret/", "5", "")], [("up", "2", "../outside"), ("up/", "5", "")],
    ])
    func nothingLeadsOut(_ members: [(String, String, String)]) throws {
        let unpacking = try Unpacking()
        var tar = TarFixture()
        for (path, type, link) in members {
            tar.add(FilePath(path), type: Character(type), type == "0" ? "evil" : "", link: FilePath(link))
        }
        _ = try? unpacking.unpack(tar.archive)
        #expect(unpacking.outsideIsUntouched)
        #expect(unpacking.status("hard")?.st_nlink ?? 1 == 1)
    }

    /// Marks of overlayfs itself would lead a mount to other files.
    @Test func overlaysOwnMarksAreNotTaken() throws {
        let unpacking = try Unpacking()
        var tar = TarFixture()
        let names = ["trusted.overlay.redirect", "user.overlay.redirect", "security.selinux"]
        tar.addAttributes(names.map { (FilePath("SCHILY.xattr." + $0), "/etc") })
        tar.add("d/", type: "5", mode: 0o755)
        try unpacking.unpack(tar.archive)
        let directory = try Descriptor.open(unpacking.root + "/d", O_RDONLY)
        #expect(try FileAttributes.all(directory, path: "d").filter { $0.1 == Array("/etc".utf8) }.isEmpty)
    }

    @Test func whatItCostsIsBounded() throws {
        var tar = TarFixture()
        tar.add("big", String(repeating: "\u{0}", count: 3 << 20))
        for number in 0..<20 { tar.add(FilePath("f\(number)")) }
        for limits in [LayerLimits(bytes: 2 << 20), LayerLimits(entries: 10)] {
            #expect(throws: CRIError.self) { try Unpacking().unpack(tar.archive, limits: limits) }
        }
        // The control: without the limit the same archive is fine.
        try Unpacking().unpack(tar.archive)
        var full = TarFixture()
        full.add("a", String(repeating: "x", count: 65 << 20))
        let error = #expect(throws: CRIError.self) {
            try Unpacking().unpack(full.archive, limits: LayerLimits(reserve: .max / 2))
        }
        #expect(error?.description.contains("make room") == true && error?.description.contains("member") == false)
        var deep = TarFixture()
        deep.addAttributes([("path", FilePath(String(repeating: "d/", count: 300) + "f"))])
        deep.add("f")
        #expect(throws: CRIError.self) { try Unpacking().unpack(deep.archive) }
    }

    /// Holes take no room in an archive, whose own size bounds nothing then.
    @Test func holesCountAsTheyAreRead() throws {
        func archive(_ files: Int) -> [UInt8] {
            var tar = TarFixture()
            for number in 0..<files {
                tar.addAttributes([
                    ("GNU.sparse.name", FilePath("f\(number)")),
                    ("GNU.sparse.size", "1048576"), ("GNU.sparse.map", "0,1"),
                ])
                tar.add("x", "x")
            }
            return tar.archive
        }
        let limits = LayerLimits(bytes: 3 << 20)
        let unpacking = try Unpacking()
        try unpacking.unpack(archive(3), limits: limits)
        #expect(unpacking.status("f2")?.st_size == 1 << 20)
        #expect(throws: CRIError.self) { try Unpacking().unpack(archive(4), limits: limits) }
    }

    @Test func aBrokenArchiveIsRefused() throws {
        var tar = TarFixture()
        tar.add("a", String(repeating: "x", count: 2_000))
        #expect(throws: CRIError.self) { try Unpacking().unpack(Array(tar.archive[..<1_024])) }
        #expect(throws: CRIError.self) { try Unpacking().unpack(Array("no archive at all, but text".utf8)) }
        #expect(throws: CRIError.self) { try Unpacking().unpack([0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7]) }
        // Nothing at all is an empty layer.
        #expect(try Unpacking().unpack([]).digest == Digest(of: []))
    }
}

@Suite struct LayerPathTests {
    @Test(arguments: [
        ("a", ".", "a"), ("./a", ".", "a"), ("/a/b", "a", "b"), ("a//b/./c/", "a/b", "c"), (".wha", ".", ".wha"),
    ])
    func plainPaths(_ path: FilePath, _ parent: FilePath, _ name: FilePath) {
        #expect(LayerPath.read(path) == .member(LayerPath(parent: parent, name: name)))
    }

    @Test(arguments: [
        "..", "a/../b", "../a", "a/..", ".wh.", ".wh...", "b/.wh..", FilePath(String(repeating: "a/", count: 400)),
    ])
    func badPaths(_ path: FilePath) {
        #expect(LayerPath.read(path) == nil)
    }

    @Test func marks() {
        #expect(LayerPath.read("") == .top && LayerPath.read("./") == .top)
        #expect(LayerPath.read("a/.wh.b") == .whiteout(LayerPath(parent: "a", name: "b")))
        #expect(LayerPath.read("a/.wh..wh..opq") == .opaque(parent: "a"))
        #expect(LayerPath.read(".wh..wh.orph") == .nothing)
    }
}
