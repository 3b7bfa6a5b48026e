import PodMonitor
import Testing

@Suite struct InnerGroupTests {
    private let container = [UInt8](repeating: UInt8(ascii: "a"), count: 64)

    private func path(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        return bytes.withUnsafeBytes { InnerGroup.path(in: $0, of: container) }.map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    @Test func theWayDownFromTheContainersGroup() {
        let name = String(repeating: "a", count: 32)
        #expect(path("0::/s/pods/p/\(name)/init\n") == "init")
        #expect(path("4:memory:/x/\(name)/no\n0::/s/\(name)/system.slice/a b\n") == "system.slice/a b")
        for text in [
            "0::/s/\(name)\n", "0::/s/\(name)a/init\n", "0::/s/b/init\n", "0::/\n", "0::", "1:cpu:/\(name)/init\n", "",
        ] {
            #expect(path(text) == nil, "\(text)")
        }
    }
}
