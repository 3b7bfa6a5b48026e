import HTTP
import Testing
import Transport

@Suite struct RequestTargetTests {
    @Test func splitsAndDecodes() throws {
        let target = try #require(RequestTarget("/a%20b/%C3%A9+?x=1&y=a%26b+c&flag&=v&e="))
        #expect(target.path == "/a b/é+")
        #expect(
            target.query == [
                QueryItem("x", "1"), QueryItem("y", "a&b c"), QueryItem("flag", ""), QueryItem("", "v"),
                QueryItem("e", ""),
            ])
    }

    @Test(arguments: ["", "a", "*", "http://host/", "/%", "/%2", "/%zz", "/%00", "/%ff", "/a?x=%", "/a?%g0=1"])
    func refuses(_ text: String) {
        #expect(RequestTarget(text) == nil)
    }

    @Test func writesWhatItReads() throws {
        let query = [QueryItem("labelSelector", "a=b,c in (d,e)"), QueryItem("é&", "+ %")]
        let text = RequestTarget.text(path: "/api/v1/x y", query: query)
        let read = try #require(RequestTarget(text))
        #expect(read.path == "/api/v1/x y")
        #expect(read.query == query)
        #expect(RequestTarget.text(path: "", query: []) == "/")
    }
}
