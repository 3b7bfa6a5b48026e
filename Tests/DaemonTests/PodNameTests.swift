import Testing

@testable import Daemon

@Suite struct PodNameTests {
    @Test(arguments: [
        ("web", "default/web"), ("shop/web", "shop/web"), ("pod/web", "default/web"), ("pods/shop/web", "shop/web"),
        ("po/web-1.a", "default/web-1.a"),
    ])
    func forms(_ text: String, _ expected: String) throws {
        #expect(try PodName(text).description == expected)
    }

    @Test func aNamespaceOfItsOwn() throws {
        #expect(try PodName("web", namespace: "shop").description == "shop/web")
        #expect(try PodName("shop/web", namespace: "shop").description == "shop/web")
        #expect(throws: DaemonError.self) { try PodName("shop/web", namespace: "other") }
    }

    @Test(arguments: ["", "/", "a/b/c", "pod/a/b/c", "../etc", "Web", "a_b", "a/..", "pod/"])
    func nothingElse(_ text: String) {
        #expect(throws: DaemonError.self) { try PodName(text) }
    }
}
