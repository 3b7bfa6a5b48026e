import Glibc
import Linux
import TestSupport
import Testing

@Suite struct CgroupTests {
    @Test func findsTheUnifiedMountOnAHybridHost() {
        let text = """
            31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
            35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
            41 31 0:38 / /sys/fs/cgroup/uni\\040fied rw,relatime shared:5 master:2 - cgroup2 cgroup2 rw
            """
        #expect(CgroupHierarchy.mountPoint(in: text) == "/sys/fs/cgroup/uni fied")
        #expect(CgroupHierarchy.mountPoint(in: "1 2 0:1 / / rw - ext4 /dev/vda rw\n") == nil)
        #expect(CgroupHierarchy.mountPoint(in: "rubbish - \n- -\n") == nil)
    }

    @Test func namesAndPaths() {
        let hierarchy = CgroupHierarchy(mountPoint: "/cg", controllers: [])
        let pod = Cgroup("swiftlet", in: hierarchy).child("pod1")
        #expect(pod.path == "/cg/swiftlet/pod1" && pod.name == "swiftlet/pod1")
        #expect(Cgroup("", in: hierarchy).child("a").path == "/cg/a")
    }
}

@Suite struct CapabilityTests {
    @Test func namesAndMasks() throws {
        #expect(try Capability.mask(of: ["CAP_CHOWN", "net_bind_service", "KILL"]) == 1 | 1 << 10 | 1 << 5)
        #expect(Capability.names(in: 1 | 1 << 10) == ["CAP_CHOWN", "CAP_NET_BIND_SERVICE"])
        #expect(throws: KernelError.self) { try Capability.mask(of: ["CAP_FLY"]) }
    }

    @Test func theDefaultIsTheFourteen() {
        let names = Capability.names(in: CapabilitySets.containerDefault.bounding)
        #expect(names.count == 14 && names.contains("CAP_NET_RAW") && !names.contains("CAP_SYS_ADMIN"))
    }
}

@Suite struct SeccompTests {
    @Test func theDefaultProfileCompilesAndIsCached() throws {
        let compiler = SeccompCompiler()
        let profile = SeccompProfile.containerDefault(capabilities: CapabilitySets.containerDefault.bounding)
        let program = try compiler.program(for: profile)
        #expect(program.instructions.count % 8 == 0 && program.instructions.count > 800)
        #expect(compiler.cached(profile) == program)
    }

    @Test func capabilitiesOpenCalls() {
        let plain = SeccompProfile.containerDefault(capabilities: 0)
        let admin = SeccompProfile.containerDefault(capabilities: 1 << 21)
        #expect(!plain.rules.contains { $0.calls.contains("mount") })
        #expect(admin.rules.contains { $0.calls.contains("mount") && $0.action == .allow })
        #expect(plain.rules.contains { $0.calls == ["clone3"] && $0.action == .fail(38) })
        #expect(!admin.rules.contains { $0.calls == ["clone3"] })
    }

    @Test func theOldestProfileLeavesTheCache() throws {
        let compiler = SeccompCompiler(capacity: 2)
        let profiles = (1...3).map { SeccompProfile(defaultAction: .fail(UInt16($0)), rules: []) }
        for profile in profiles { _ = try compiler.program(for: profile) }
        #expect(compiler.cached(profiles[0]) == nil && compiler.cached(profiles[2]) != nil)
    }
}

@Suite struct DescriptorStreamTests {
    @Test func bytesPassThroughAPipe() async throws {
        let events = try EventThread()
        let pipe = try Pipe()
        let reader = DescriptorStream(try pipe.readEnd.duplicate(), events: events)
        let writer = DescriptorStream(try pipe.writeEnd.duplicate(), events: events)
        pipe.readEnd.close()
        pipe.writeEnd.close()
        let sent = [UInt8](repeating: 7, count: 300_000)
        async let written: Void = writer.write(sent)
        var received: [UInt8] = []
        while received.count < sent.count { received += try await reader.read() }
        try await written
        #expect(received == sent)
        writer.close()
        #expect(try await reader.read().isEmpty)
    }

    @Test func closingWakesAReader() async throws {
        let events = try EventThread()
        let pipe = try Pipe()
        let reader = DescriptorStream(try pipe.readEnd.duplicate(), events: events)
        let waiting = Task { try await reader.read() }
        await Task.yield()
        reader.close()
        await #expect(throws: KernelError.self) { try await waiting.value }
    }

    @Test func cancellingWakesAReader() async throws {
        let events = try EventThread()
        let pipe = try Pipe()
        let reader = DescriptorStream(try pipe.readEnd.duplicate(), events: events)
        let waiting = Task { try await reader.read() }
        waiting.cancel()
        await #expect(throws: KernelError.self) { try await waiting.value }
    }

    @Test func aCancellationEndsItsOwnWaitAlone() async throws {
        let events = try EventThread()
        let pipe = try Pipe()
        let reader = DescriptorStream(try pipe.readEnd.duplicate(), events: events)
        let writer = DescriptorStream(try pipe.writeEnd.duplicate(), events: events)
        let first = Task { try await reader.read() }
        func cancelledRead() async -> Int32? {
            let second = Task { () async throws in
                withUnsafeCurrentTask { $0?.cancel() }
                return try await reader.read()
            }
            do { _ = try await second.value } catch { return (error as? KernelError)?.code }
            return 0
        }
        // Busy: the first one waits.
        try await until { await cancelledRead() == EBUSY }
        try await writer.write([7])
        #expect(try await first.value == [7])
    }
}
