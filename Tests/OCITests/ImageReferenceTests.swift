import OCI
import Testing

@Suite struct ImageReferenceTests {
    private let digest = "sha256:" + String(repeating: "a", count: 64)

    @Test(arguments: [
        ("busybox", "docker.io/library/busybox:latest"),
        ("busybox:1.36", "docker.io/library/busybox:1.36"),
        ("bitnami/redis", "docker.io/bitnami/redis:latest"),
        ("index.docker.io/library/a", "docker.io/library/a:latest"),
        ("localhost/demo:v1", "localhost/demo:v1"),
        ("localhost:5000/a/b_c/d-e", "localhost:5000/a/b_c/d-e:latest"),
        ("ghcr.io/o/p__q:T.1-x", "ghcr.io/o/p__q:T.1-x"),
    ])
    func normalises(_ text: String, _ full: String) throws {
        #expect(try ImageReference(text).description == full)
    }

    @Test func keepsDigestsAndAddsNoTagToThem() throws {
        #expect(try ImageReference("a@" + digest).description == "docker.io/library/a@" + digest)
        #expect(try ImageReference("a:1@" + digest).description == "docker.io/library/a:1@" + digest)
    }

    @Test(arguments: [
        "", "a/UPPER", "a b", "a//b", "a:", "a:-x", "/a", "a/", "a..b", "a___b", "a@sha256:abc", "a@md5:00",
        "-a", "../etc/passwd", "a:b/c:d:e", String(repeating: "a", count: 256),
    ])
    func refuses(_ text: String) {
        #expect(throws: OCIError.self) { try ImageReference(text) }
    }

    @Test func digestsOfKnownBytes() {
        #expect(
            Digest(of: Array("abc".utf8)).hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        var hasher = DigestHasher()
        hasher.update(Array("a".utf8))
        hasher.update(Array("bc".utf8))
        #expect(hasher.finish() == Digest(of: Array("abc".utf8)))
    }
}
