import Glibc
import Testing

@testable import Linux

/// Trees that others fill: measured and removed whatever is in them.
@Suite final class FileTreeTests {
    private let root = "/tmp/file-tree-\(getpid())-\(UInt32.random(in: .min ... .max))"

    init() { mkdir(root, 0o755) }
    deinit { try? TreeRemoval.remove(root) }

    @Test func aTreeCountsItsBlocksAndAFileWithSeveralNamesOnce() throws {
        let empty = try TreeUsage.measure(root)
        #expect(empty.inodes == 1)
        mkdir(root + "/a", 0o755)
        try writeNew(root + "/a/f", bytes: 100_000)
        link(root + "/a/f", root + "/g")
        symlink("/usr", root + "/outside")
        let usage = try TreeUsage.measure(root)
        #expect(usage.inodes == 4)
        #expect(usage.bytes >= empty.bytes + 100_000 && usage.bytes < empty.bytes + 200_000)
        #expect(usage.isComplete)
        #expect(try TreeUsage.measure(root + "/none") == TreeUsage())
    }

    @Test func whatIsTooMuchToCountIsSaidToBe() throws {
        for number in 0..<20 { try writeNew("\(root)/\(number)", bytes: 1) }
        #expect(try TreeUsage.measure(root, entries: 10).isComplete == false)
        #expect(try TreeUsage.measure(root, entries: 21).isComplete)
    }

    /// A container may name its files by any bytes.
    @Test func namesThatAreNoTextAreCountedAndRemoved() throws {
        let name = Array("\(root)/d".utf8CString.dropLast()) + [-1, -2]
        #expect(mkdir(name + [0], 0o755) == 0)
        #expect(mkdir(name + [47, 97, 0], 0o755) == 0)
        #expect(mkdir(name + [47, -3, 0], 0o755) == 0)
        #expect(try TreeUsage.measure(root).inodes == 4)
        try TreeRemoval.remove(root)
        #expect(access(root, F_OK) != 0)
    }

    private func writeNew(_ path: String, bytes: Int) throws {
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
        let content = [UInt8](repeating: 1, count: bytes)
        #expect(write(file.raw, content, bytes) == bytes)
    }
}
