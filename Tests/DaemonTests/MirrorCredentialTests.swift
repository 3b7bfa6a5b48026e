import CRI
import ContainerRuntime
import Glibc
import Linux
import TestSupport
import Testing

@testable import Daemon

@Suite final class MirrorCredentialTests {
    private let path = "\(temporaryDirectory)/mirror-auth-\(getpid())-\(UInt32.random(in: .min ... .max))"

    deinit { unlink(path) }

    private func user(_ host: String, _ port: Int, _ repository: String = "app") throws -> String? {
        let origin = RegistryOrigin(isSecure: true, host: host, port: port)
        return try MirrorCredentials(path: path).auth(for: origin, repository: repository)?.username
    }

    private func write(_ text: String) throws { try WholeFile.replace(path, with: Array(text.utf8), durable: false) }

    @Test func eachMirrorHasItsOwn() throws {
        try write(
            """
            {"auths": {"a.example:5000": {"username": "a", "password": "p"}, "https://b.example": {"auth": "Yjpw"},
            "b.example/team": {"username": "team", "password": "p"}, "mirror": {"username": "short", "password": "p"}}}
            """)
        #expect(try user("a.example", 5_000) == "a" && user("a.example", 443) == nil)
        #expect(try user("b.example", 443) == "b" && user("b.example", 443, "team/app") == "team")
        #expect(try user("mirror", 443) == "short" && user("c.example", 443) == nil)
        // What is changed counts at once.
        try write("{}")
        #expect(try user("a.example", 5_000) == nil)
    }

    @Test func whatCannotBeReadIsNamed() throws {
        for text in [nil, "none", "{\"auths\": 1}"] {
            if let text { try write(text) }
            let error = #expect(throws: CRIError.self) { try user("a.example", 5_000) }
            #expect(error?.description.contains(path) == true && error?.description.contains("mirror-auth") == true)
        }
        let none = RegistryOrigin(isSecure: true, host: "a.example", port: 443)
        #expect(try MirrorCredentials(path: "").auth(for: none, repository: "app") == nil)
    }
}
