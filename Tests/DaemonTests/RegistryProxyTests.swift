import ContainerRuntime
import Testing
import Transport

@testable import Daemon

@Suite struct RegistryProxyTests {
    private func proxy(
        _ variables: [String: String], to host: String = "registry.example", port: Int = 443, isSecure: Bool = true
    ) throws -> HTTPProxy? {
        try RegistryProxies { variables[$0] }.proxy(for: RegistryOrigin(isSecure: isSecure, host: host, port: port))
    }

    private func isDirect(_ list: String, _ host: String, _ port: Int = 443) throws -> Bool {
        try proxy(["HTTPS_PROXY": "proxy.example:3128", "NO_PROXY": list], to: host, port: port) == nil
    }

    @Test func eachSchemeHasItsOwn() throws {
        let both = ["HTTP_PROXY": "http://plain.example:1", "https_proxy": "https://secure.example"]
        #expect(try proxy(both, isSecure: false) == HTTPProxy(host: "plain.example", port: 1))
        #expect(try proxy(both) == HTTPProxy(isSecure: true, host: "secure.example", port: 443))
        #expect(try proxy(["HTTP_PROXY": "plain.example"]) == nil)
        // Large letters count, unless there is nothing in them.
        #expect(try proxy(["HTTPS_PROXY": "a.example", "https_proxy": "b.example"])?.host == "a.example")
        #expect(try proxy(["HTTPS_PROXY": "", "https_proxy": "b.example"]) == HTTPProxy(host: "b.example", port: 80))
    }

    @Test func credentialsComeFromItsAddress() throws {
        let found = try proxy(["HTTPS_PROXY": "http://user:p%40%3ass@[2001:db8::1]:3128/"])
        #expect(found == HTTPProxy(host: "2001:db8::1", port: 3128, authorization: "Basic dXNlcjpwQDpzcw=="))
        #expect("\(try #require(found))" == "http://[2001:db8::1]:3128")
        #expect(try proxy(["HTTPS_PROXY": "user@a.example"])?.authorization == "Basic dXNlcjo=")
    }

    @Test(arguments: ["socks5://secret@a.example", "http://u:secret@", "http://u:secret%zz@a.example", "secret@a b:1"])
    func whatIsNoneIsToldWithoutItsPassword(_ text: String) throws {
        let error = #expect(throws: (any Error).self) { try proxy(["HTTPS_PROXY": text]) }
        #expect("\(try #require(error))".contains("HTTPS_PROXY"))
        #expect(!"\(try #require(error))".contains("secret"))
        // Nobody needs it on the way to this machine.
        #expect(try proxy(["HTTPS_PROXY": text], to: "127.0.0.1") == nil)
    }

    @Test func thisMachineIsAskedDirectly() throws {
        for host in ["localhost", "127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"] {
            #expect(try isDirect("", host))
        }
        for host in ["localhost.example", "128.0.0.1", "::2", "registry.example"] { #expect(try !isDirect("", host)) }
    }

    @Test func namesAndWhatIsBeneathThemAreExcepted() throws {
        for host in ["a.example", "B.A.Example"] {
            #expect(try isDirect("other.example , A.example", host))
            #expect(try isDirect("a.example:443", host) && !isDirect("a.example:80", host))
        }
        #expect(try !isDirect("a.example", "ba.example"))
        for entry in [".a.example", "*.a.example", "*.a.example:443"] {
            #expect(try isDirect(entry, "b.a.example") && !isDirect(entry, "a.example"))
        }
        #expect(try isDirect("x,*", "a.example") && isDirect("*", "192.0.2.1"))
        #expect(try !isDirect(",:443,/", "a.example"))
    }

    @Test func addressesAndNetworksAreExcepted() throws {
        #expect(try isDirect("192.0.2.1", "192.0.2.1") && !isDirect("192.0.2.1", "192.0.2.10"))
        #expect(try isDirect("192.0.2.1:5000", "192.0.2.1", 5_000) && !isDirect("192.0.2.1:5000", "192.0.2.1"))
        #expect(try isDirect("2001:DB8::1", "2001:db8:0::1") && isDirect("[2001:db8::1]:443", "2001:db8::1"))
        #expect(try isDirect("192.0.2.77/25", "192.0.2.1") && !isDirect("192.0.2.0/25", "192.0.2.128"))
        #expect(try isDirect("0.0.0.0/0", "198.51.100.1") && !isDirect("0.0.0.0/0", "2001:db8::1"))
        #expect(try isDirect("2001:db8::/33", "2001:db8:7fff::1") && !isDirect("2001:db8::/33", "2001:db8:8000::1"))
        #expect(try !isDirect("192.0.2.0/33,192.0.2.0/-1,192.0.2.0/", "192.0.2.1"))
        // A name is no address, whatever it begins with.
        #expect(try !isDirect("192.0.2.0/24", "192.0.2.1.example"))
    }
}
