import Glibc
import TestSupport
import Testing

@testable import Launch
@testable import Linux

@Suite struct MountTableTests {
    @Test func deepestFirstAndOnlyBeneath() {
        let text = """
            31 23 0:28 / /run rw - tmpfs tmpfs rw
            32 31 0:29 / /run/pod rw - tmpfs tmpfs rw
            33 32 0:30 / /run/pod/a\\040b rw - tmpfs tmpfs rw
            34 33 0:31 / /run/pod/a\\040b/c rw - nfs server:/x rw
            35 31 0:32 / /run/podium rw - tmpfs tmpfs rw
            rubbish
            """
        #expect(MountTable.places(beneath: "/run/pod", in: Array(text.utf8)) == ["/run/pod/a b/c", "/run/pod/a b"])
        #expect(MountTable.unescaped("/a\\040b\\134".utf8) == Array("/a b\\".utf8))
    }
}

@Suite struct OverlayOptionTests {
    /// A level has a comma, which is not the options' own.
    @Test func aLabelIsQuoted() throws {
        #expect(try HostMount.overlayOptions(["/a", "/b"], label: nil) == "lowerdir=/a:/b")
        #expect(
            try HostMount.overlayOptions(["/a"], label: "u:object_r:files:s0:c1,c2")
                == #"lowerdir=/a,context="u:object_r:files:s0:c1,c2""#)
        #expect(
            try HostMount.overlayOptions(["/a"], label: "u:r:t,workdir=/y")
                == #"lowerdir=/a,context="u:r:t,workdir=/y""#)
    }

    @Test(arguments: [
        #"u:r:t:s0",upperdir=/x,workdir=/y,xino="off"#, "u:r:t:s0\n", "u:r:t:s0\u{7f}",
    ])
    func aLabelThatWouldBeMoreIsRefused(_ label: String) {
        let error = #expect(throws: KernelError.self) { try HostMount.overlayOptions(["/a"], label: label) }
        #expect(error?.code == EINVAL)
    }
}

@Suite struct StreamClosingTests {
    /// A task that is about to wait while the stream is closed must not wait for ever.
    @Test func closingEndsAReadThatBeginsAtTheSameTime() async throws {
        let events = try EventThread()
        for _ in 0..<2_000 {
            let pipe = try Pipe()
            let stream = DescriptorStream(try pipe.readEnd.duplicate(), events: events)
            async let bytes = try? stream.read()
            await Task.yield()
            stream.close()
            #expect(await bytes == nil)
        }
    }
}

@Suite struct WholeFileTests {
    private func inDirectory(_ body: (String) async throws -> Void) async throws {
        let directory = "\(temporaryDirectory)/whole-file-\(UInt32.random(in: .min ... .max))"
        defer { try? TreeRemoval.remove(directory) }
        try WholeFile.makeDirectories(directory)
        try await body(directory)
    }

    /// To open a device is to use it already, so nothing but a file may be opened. A pipe stands for it here, which needs no rights.
    @Test func whatIsNoFileIsNotOpened() async throws {
        try await inDirectory { directory in
            let path = directory + "/passwd"
            #expect(mkfifo(path, 0o600) == 0)
            let watch = Descriptor(owning: inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK)))
            #expect(inotify_add_watch(watch.raw, path, UInt32(IN_OPEN)) >= 0)
            func wasOpened() -> Bool {
                var event = [UInt8](repeating: 0, count: 256)
                return Glibc.read(watch.raw, &event, event.count) > 0
            }
            #expect(throws: KernelError.self) { _ = try WholeFile.open(path) }
            #expect(throws: KernelError.self) { _ = try OpenDirectory(directory).fileInRoot("passwd") }
            #expect(!wasOpened())
            // The control: a look after it was opened comes too late.
            #expect(throws: KernelError.self) { _ = try WholeFile.read(path) }
            #expect(wasOpened())
            #expect(symlink("/etc/passwd", directory + "/link") == 0)
            #expect { _ = try WholeFile.open(directory + "/link") } throws: { ($0 as? KernelError)?.code == ELOOP }
        }
    }

    @Test func aCopyKeepsTheHoles() async throws {
        try await inDirectory { directory in
            let source = try Descriptor.open(directory + "/source", O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
            let step: off_t = 8 << 20
            for index in [off_t(0), 2, 3] {
                #expect(lseek(source.raw, index * step, SEEK_SET) >= 0)
                try WholeFile.write(Array("block \(index)".utf8), to: source, path: directory)
            }
            #expect(ftruncate(source.raw, 5 * step) == 0)
            for start in [off_t(0), 3, step, 3 * step + 2, 5 * step] {
                let path = directory + "/copy-\(start)"
                let copy = try Descriptor.open(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
                try WholeFile.write(Array("head".utf8), to: copy, path: path)
                #expect(lseek(source.raw, start, SEEK_SET) == start)
                try WholeFile.copy(from: source, to: copy, path: path)
                let rest = try WholeFile.read(directory + "/source", limit: Int(5 * step)).dropFirst(Int(start))
                #expect(try WholeFile.read(path, limit: Int(6 * step)) == Array("head".utf8) + rest, "\(start)")
                var status = stat()
                #expect(fstat(copy.raw, &status) == 0 && status.st_blocks * 512 < 1 << 20, "\(start)")
            }
        }
    }

    /// As two daemons' commands, or two pulls of one manifest, may be.
    @Test func manyWritersOfOneFileDoNotMix() async throws {
        try await inDirectory { directory in
            let path = directory + "/file"
            let threads = BlockingThreads(count: 4)
            try await withThrowingTaskGroup { group in
                for writer in 0..<4 {
                    let bytes = [UInt8](repeating: UInt8(writer), count: 1 << (10 + writer))
                    group.addTask {
                        try await threads.run("write") { () throws(KernelError) in
                            for _ in 0..<200 {
                                try WholeFile.replace(path, with: bytes, durable: false)
                                let found = try WholeFile.read(path)
                                if found.count != 1 << (10 + Int(found.first ?? 9)) || Set(found).count != 1 {
                                    throw KernelError("read whole", path, EILSEQ)
                                }
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try OpenDirectory(directory).names() == ["file"])
        }
    }

    @Test func whatADeadWriterLeftGoes() async throws {
        try await inDirectory { directory in
            // No process has a number above 2^22.
            let kept = ["a.new-\(getpid())-1", "a.new", "a.new-x-1", "a-4194400-1", "a.new-4194400-"]
            for name in kept + ["a.new-4194400-1", "b-c.json.new-4194400-17"] {
                try WholeFile.replace("\(directory)/\(name)", with: [], durable: false)
            }
            try WholeFile.removeAbandoned(in: directory)
            #expect(try Set(OpenDirectory(directory).names()) == Set(kept))
            try WholeFile.removeAbandoned(in: directory + "/missing")
        }
    }
}
