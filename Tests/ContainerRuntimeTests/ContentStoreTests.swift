import Glibc
import Linux
import Testing

@testable import ContainerRuntime

@Suite struct ContentStoreTests {
    /// Files that a download finishes, or another takes away, after the sweep has listed them.
    @Test func aSweepPassesOverWhatIsGoneMeanwhile() throws {
        let node = try FakeNode()
        let store = ContentStore(directory: node.directory + "/images")
        try store.prepare()
        for byte: UInt8 in 1...3 { try store.put([byte]) }
        try store.sweep(before: .max) { asked in
            for name in (try? OpenDirectory(store.blobs).names()) ?? [] where name != asked.hex {
                unlink(store.blobs + "/" + name)
            }
            return false
        }
        #expect(try OpenDirectory(store.blobs).names().isEmpty)
    }
}
