import CRI
import Glibc
import Linux
import OCI
import Testing

@testable import ContainerRuntime

extension FilePath {
    /// One byte a letter: no UTF-8 where there is one beyond ASCII.
    fileprivate init(latin text: String) {
        self.init(bytes: text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
    }
}

/// Names of Linux are bytes: those that are no UTF-8, and those that only look alike.
@Suite struct ByteNameTests {
    private static let cafe = FilePath(latin: "caf\u{e9}")
    private static let long = FilePath(latin: String(repeating: "\u{e9}", count: 150))
    private static let composed: FilePath = "\u{e9}"
    private static let decomposed: FilePath = "e\u{301}"

    private func text(_ path: FilePath, in root: String) throws -> String {
        let file = try OpenDirectory(root).openInRoot(path, O_RDONLY)
        return String(decoding: try WholeFile.read(file, path: path.description), as: UTF8.self)
    }

    private func status(_ path: FilePath, in root: String) throws -> stat {
        try OpenDirectory(root).directoryInRoot(path.parent ?? ".").status(of: path.components.last ?? ".")
    }

    private static var layer: [UInt8] {
        var tar = TarFixture()
        tar.add(cafe / "", type: "5", mode: 0o711)
        tar.addAttributes([("hdrcharset", "BINARY"), (FilePath(latin: "SCHILY.xattr.user.\u{e9}"), "kept")])
        tar.add(cafe / cafe, "latin")
        tar.add(cafe / "twin", type: "1", link: cafe / cafe)
        tar.add("link", type: "2", link: cafe / cafe)
        tar.addLongName(long)
        tar.add("long", "gnu")
        // As Python and libarchive write it, and as one who passes over what pax says of UTF-8.
        tar.addAttributes([("hdrcharset", "BINARY"), ("path", FilePath(latin: "p\u{e4}x"))])
        tar.add("pax", "binary")
        tar.addAttributes([("path", FilePath(latin: "\u{fc}nsaid")), ("mtime", "1600000000")])
        tar.add("pax", "unsaid")
        for (form, time) in [(composed, "1600000001"), (decomposed, "1600000002")] as [(FilePath, FilePath)] {
            tar.addAttributes([("mtime", time), ("path", form / "")])
            tar.add("directory", type: "5", mode: 0o755)
            tar.addAttributes([("path", form / form)])
            tar.add("file", "\(time)")
        }
        return tar.archive
    }

    @Test func membersKeepTheirBytes() throws {
        let unpacking = try Unpacking()
        let layer = try unpacking.unpack(Self.layer)
        #expect(layer.implied.isEmpty && layer.links.isEmpty)
        let names = try OpenDirectory(unpacking.root).fileNames().sorted()
        let expected: [FilePath] = [
            Self.cafe, "link", Self.long, FilePath(latin: "p\u{e4}x"), FilePath(latin: "\u{fc}nsaid"), Self.composed,
            Self.decomposed,
        ]
        #expect(names == expected.sorted())
        #expect(try OpenDirectory(unpacking.root).linkTarget(of: "link") == Self.cafe / Self.cafe)
        #expect(try text("link", in: unpacking.root) == "latin" && text(Self.long, in: unpacking.root) == "gnu")
        #expect(try status(Self.cafe / "twin", in: unpacking.root).st_nlink == 2)
        #expect(try status(Self.cafe, in: unpacking.root).st_mode & 0o7777 == 0o711)
        let file = try Descriptor.open(FilePath(unpacking.root) / Self.cafe / Self.cafe, O_RDONLY)
        #expect(
            try FileAttributes.all(file, path: "latin").contains {
                $0.0 == FilePath(latin: "user.\u{e9}") && $0.1 == Array("kept".utf8)
            })
        #expect(try text(FilePath(latin: "\u{fc}nsaid"), in: unpacking.root) == "unsaid")
    }

    @Test func namesThatLookAlikeAreTwoWithTheirOwnTimes() throws {
        let unpacking = try Unpacking()
        try unpacking.unpack(Self.layer)
        for (form, time) in [(Self.composed, 1_600_000_001), (Self.decomposed, 1_600_000_002)] {
            #expect(try OpenDirectory(unpacking.root).directoryInRoot(form).fileNames() == [form])
            #expect(try text(form / form, in: unpacking.root) == "\(time)")
            #expect(try status(form, in: unpacking.root).st_mtim.tv_sec == time)
        }
    }

    /// Whiteouts and hard links of a layer above.
    @Test func layersAboveMeanTheSameBytes() async throws {
        var tar = TarFixture()
        tar.add(Self.cafe / FilePath(latin: ".wh.caf\u{e9}"))
        tar.add(".wh.\u{e9}")
        tar.add(FilePath(latin: "\u{ff}"), type: "1", link: Self.cafe / "twin")
        tar.add(Self.decomposed / "new", "above")
        let node = try FakeNode()
        let store = try await node.open().images
        let record = try await store.add(
            name: "a", path: try node.layout([("a", ImageFixture([Self.layer, tar.archive]))]))
        let stack = LayerStack(layers: store.directories(of: record))
        #expect(try stack.look([Self.cafe, Self.cafe]) == nil && stack.look([Self.cafe, "twin"]) != nil)
        #expect(try stack.look([Self.composed]) == nil)
        #expect(try stack.look([Self.decomposed, Self.decomposed]) != nil)
        #expect(try stack.look([Self.decomposed, "new"]) != nil)
        #expect(try text(FilePath(latin: "\u{ff}"), in: stack.layers[0]) == "latin")
        // The owner and mode of a directory that the archive does not hold are those beneath.
        #expect(try status(Self.cafe, in: stack.layers[0]).st_mode & 0o7777 == 0o711)
    }

    @Test func aDamagedFileIsFoundAndMended() async throws {
        let node = try FakeNode()
        let store = try await node.open().images
        let record = try await store.add(name: "a", path: try node.layout([("a", ImageFixture([Self.layer]))]))
        let tree = store.directories(of: record)[0]
        #expect(try await store.verifyAll().isEmpty)
        let before = try status(Self.cafe / Self.cafe, in: tree).st_ino
        let file = try Descriptor.open(FilePath(tree) / Self.cafe / Self.cafe, O_WRONLY | O_TRUNC)
        try WholeFile.write(Array("rot".utf8), to: file, path: tree)
        #expect(try await store.verifyAll().isEmpty)
        #expect(try text(Self.cafe / Self.cafe, in: tree) == "latin")
        #expect(try status(Self.cafe / Self.cafe, in: tree).st_ino != before)
    }

    /// A directory that becomes an image, packed and unpacked again: the same tree.
    @Test func whatIsPackedIsWhatIsUnpacked() throws {
        let unpacking = try Unpacking()
        try unpacking.unpack(Self.layer)
        let deep = Self.cafe / Self.long
        #expect(mkdir((FilePath(unpacking.root) / deep).cString, 0o755) == 0)
        for (target, name) in [(deep / Self.long, "far"), ("near", Self.long)] as [(FilePath, FilePath)] {
            #expect(symlink(target.cString, (FilePath(unpacking.root) / deep / name).cString) == 0)
        }
        let copy = unpacking.node.directory + "/copy"
        try WholeFile.makeDirectories(copy)
        try TreeCopy.copy(unpacking.root, to: copy)
        let seal = try TreeSeal.seal(unpacking.root)
        #expect(try TreeSeal.seal(copy) == seal)
        let path = unpacking.node.directory + "/packed"
        let file = try Descriptor.open(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
        let packed = try TreeArchive.make(copy, into: file, object: "tree")
        let again = try Unpacking()
        let layer = try again.unpack(try WholeFile.read(path))
        #expect(layer.digest == packed.digest)
        #expect(try TreeSeal.seal(again.root) == seal)
    }

    /// A container with a cgroup of its own names groups as it likes, and nests them.
    @Test func groupsOfAnyNameAreSeenAndRemoved() throws {
        let node = try FakeNode()
        let root = node.directory + "/group"
        func make() throws -> FilePath {
            var path = FilePath(root) / FilePath(latin: "\u{ff}")
            try WholeFile.makeDirectories(root)
            for _ in 0..<40 {
                #expect(mkdir(path.cString, 0o755) == 0)
                path = path / Self.cafe
            }
            return path.parent ?? path
        }
        let innermost = try make()
        let file = try Descriptor.open(innermost / "cgroup.procs", O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        try WholeFile.write(Array("12\n13\n".utf8), to: file, path: root)
        try WholeFile.write(
            [], to: Descriptor.open(root + "/cgroup.procs", O_WRONLY | O_CREAT, mode: 0o600), path: root)
        let group = Cgroup("group", in: CgroupHierarchy(mountPoint: node.directory, controllers: []))
        #expect(group.allProcesses() == [12, 13])
        let removals: [() throws -> Void] = [{ try group.removeTree() }, { try SystemKernel().removeCgroup(root) }]
        for remove in removals {
            try TreeRemoval.remove(root)
            _ = try make()
            try remove()
            #expect(access(root, F_OK) != 0)
        }
    }
}
