import Glibc
import Linux
import TestSupport
import Testing

@Suite struct SELinuxTests {
    @Test func readsTheLabelsOfAPolicy() {
        let contexts = SELinuxContexts(
            """
            # process = "no:no:no"
            process = "system_u:system_r:container_t:s0:c1,c2"
            content = "system_u:object_r:virt_var_lib_t:s0"
            file = "system_u:object_r:container_file_t"
            """)
        #expect(contexts.process?.description == "system_u:system_r:container_t:s0:c1,c2")
        #expect(contexts.process?.level == "s0:c1,c2" && contexts.process?.type == "container_t")
        #expect(contexts.file?.description == "system_u:object_r:container_file_t" && contexts.file?.level == "")
        #expect(SELinuxContexts("process = \"a:b\"\nfile = \"a::c\"") == SELinuxContexts())
    }

    /// What cannot be read is not taken for what is not there: its labels would be others.
    @Test func onlyAFileThatIsNotThereLeavesTheNextOneToBeRead() throws {
        let root = "\(temporaryDirectory)/contexts-\(getpid())-\(UInt32.random(in: .min ... .max))"
        defer { try? TreeRemoval.remove(root) }
        #expect(try SELinuxContexts.inFiles(beneath: root) == SELinuxContexts())
        let (shared, own) = (root + "/usr/share/containers/selinux", root + "/etc/selinux/strict/contexts")
        for directory in [shared, own] { try WholeFile.makeDirectories(directory) }
        try write("SELINUXTYPE=strict\n", root + "/etc/selinux/config")
        try write("process = \"u:r:own:s0\"\n", own + "/lxc_contexts")
        #expect(try SELinuxContexts.inFiles(beneath: root).process?.type == "own")
        #expect(mkdir(shared + "/contexts", 0o755) == 0)
        #expect(throws: KernelError.self) { try SELinuxContexts.inFiles(beneath: root) }
        #expect(rmdir(shared + "/contexts") == 0)
        try write("process = \"u:r:shared:s0\"\n", shared + "/contexts")
        #expect(try SELinuxContexts.inFiles(beneath: root).process?.type == "shared")
    }

    private func write(_ text: String, _ path: String) throws {
        try WholeFile.replace(path, with: Array(text.utf8), mode: 0o644, durable: false)
    }
}

/// Labels are root's to give: on a kernel without SELinux they are attributes like others.
@Suite final class TreeLabelTests {
    private let root = "\(temporaryDirectory)/tree-label-\(getpid())-\(UInt32.random(in: .min ... .max))"
    private let label = "u:object_r:t:s0"

    init() { mkdir(root, 0o755) }
    deinit { try? TreeRemoval.remove(root) }

    private func labelOf(_ path: String) throws -> String? {
        let file = try Descriptor.open(path, O_RDONLY | O_NONBLOCK)
        let value = try FileAttributes.all(file, path: path).first { $0.0 == "security.selinux" }?.1
        return value.map { String(decoding: $0.dropLast(), as: UTF8.self) }
    }

    /// By whatever name: `/bin` is a link on most hosts.
    @Test func theHostsOwnDirectoriesKeepTheirLabels() throws {
        symlink("/etc", root + "/link")
        for path in ["/", "/etc", "/usr/", "/var/../etc", "/proc/self/root/etc", "/bin", "/lib", root + "/link"] {
            let error = #expect(throws: KernelError.self) { try TreeLabel.set(label, at: path) }
            #expect(error?.code == EPERM && error?.description.contains("label anew \(path)") == true)
            let opened = try Descriptor.open(path, O_RDONLY | O_DIRECTORY)
            let other = #expect(throws: KernelError.self) { try TreeLabel.set(label, on: opened, path: "it") }
            #expect(other?.code == EPERM && other?.description.contains("label anew it") == true)
        }
        #expect(throws: Never.self) { try TreeLabel.set(label, at: "/nowhere/to/be/found") }
    }

    @Test(.enabled(if: geteuid() == 0)) func aTreeIsLabelledHoweverDeepAndNothingOutside() throws {
        let outside = root + "-outside"
        defer { try? TreeRemoval.remove(outside) }
        #expect(mkdir(outside, 0o755) == 0)
        symlink(outside, root + "/link")
        var path = root
        for _ in 0..<600 {
            path += "/d"
            #expect(mkdir(path, 0o755) == 0)
        }
        #expect(mkfifo(path + "/pipe", 0o600) == 0)
        try TreeLabel.set(label, at: root)
        for place in [root, root + "/d", path, path + "/pipe"] { #expect(try labelOf(place) == label) }
        #expect(try labelOf(outside) != label)
        let error = #expect(throws: KernelError.self) { try TreeLabel.set(label, at: root, entries: 601) }
        #expect(error?.code == E2BIG)
        #expect(throws: Never.self) { try TreeLabel.set(label, at: root, entries: 602) }
    }

    @Test(.enabled(if: geteuid() == 0)) func aLabellingIsGivenUpBetweenTwoFiles() throws {
        for name in ["/a", "/b", "/c"] { #expect(mkdir(root + name, 0o755) == 0) }
        var asked = 0
        let top = try Descriptor.open(root, O_RDONLY | O_DIRECTORY)
        let error = #expect(throws: KernelError.self) {
            try TreeLabel.set(label, on: top, path: root) {
                asked += 1
                return asked > 2
            }
        }
        #expect(error?.code == ECANCELED && asked == 3)
        let labelled = try ["", "/a", "/b", "/c"].map { try labelOf(root + $0) == label }
        #expect(labelled[0] && labelled.dropFirst().filter(\.self).count == 1)
    }

    @Test(.enabled(if: geteuid() == 0)) func whatIsMountedInATreeKeepsItsLabel() throws {
        for directory in ["/mounted", "/beside"] { #expect(mkdir(root + directory, 0o755) == 0) }
        try HostMount.tmpfs(at: root + "/mounted", options: [:])
        defer { try? HostMount.detach(FilePath(root + "/mounted")) }
        #expect(mkdir(root + "/mounted/d", 0o755) == 0)
        try TreeLabel.set(label, at: root)
        for (path, has) in [("", true), ("/beside", true), ("/mounted", false), ("/mounted/d", false)] {
            #expect(try (labelOf(root + path) == label) == has)
        }
        try TreeLabel.set(label, at: root + "/mounted")
        #expect(try labelOf(root + "/mounted/d") == label)
    }
}
