import Glibc
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
        #expect(MountTable.places(beneath: "/run/pod", in: text) == ["/run/pod/a b/c", "/run/pod/a b"])
        #expect(MountTable.unescaped("/a\\040b\\134") == "/a b\\")
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
