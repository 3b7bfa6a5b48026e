import Glibc
import TestSupport
import Testing

@testable import Linux

/// Trees that others fill: measured and removed whatever is in them.
@Suite final class FileTreeTests {
    private let root = "\(temporaryDirectory)/file-tree-\(getpid())-\(UInt32.random(in: .min ... .max))"

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

    @Test func directoriesWithinAVolumeHaveItsMode() throws {
        try OpenDirectory(root).makeDirectory("kept", mode: 0o700)
        #expect(chmod(root, 0o2777) == 0)
        try OpenDirectory(root).makeDirectoriesInRoot("kept/a/b")
        for (path, mode) in [("kept", 0o700), ("kept/a", 0o2777), ("kept/a/b", 0o2777)] as [(String, mode_t)] {
            #expect(try OpenDirectory("\(root)/\(path)").status().st_mode & 0o7777 == mode, "\(path)")
        }
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

    /// As groups that a container nests in its own, which are directories too.
    @Test func groupsDeeperThanAPathCanNameAreListedAndRemoved() throws {
        let name = FilePath(String(repeating: "n", count: 200))
        var group = try Descriptor.open(root, O_RDONLY | O_DIRECTORY)
        for level in 0..<50 {
            #expect(mkdirat(group.raw, "beside", 0o755) == 0 && mkdirat(group.raw, name.cString, 0o755) == 0)
            let file = Descriptor(owning: openat(group.raw, "cgroup.procs", O_WRONLY | O_CREAT, 0o644))
            let text = Array("\(level)\n1\(level)\n".utf8)
            #expect(write(file.raw, text, text.count) == text.count)
            group = Descriptor(owning: openat(group.raw, name.cString, O_RDONLY | O_DIRECTORY))
        }
        let found = try CgroupTree.processes(beneath: FilePath(root))
        #expect(found.count == 100 && found.contains(149))
        for _ in 0..<49 {
            group = Descriptor(owning: openat(group.raw, "..", O_RDONLY | O_DIRECTORY))
            #expect(unlinkat(group.raw, "cgroup.procs", 0) == 0)
        }
        // What is no group stays, and so does all above it.
        #expect(throws: KernelError.self) { try CgroupTree.remove(FilePath(root)) }
        #expect(unlink(root + "/cgroup.procs") == 0)
        try CgroupTree.remove(FilePath(root))
        #expect(access(root, F_OK) != 0)
        #expect(try CgroupTree.processes(beneath: FilePath(root)).isEmpty)
    }

    private func writeNew(_ path: String, bytes: Int) throws {
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
        let content = [UInt8](repeating: 1, count: bytes)
        #expect(write(file.raw, content, bytes) == bytes)
    }
}
