import Glibc
import PKI
import TestSupport
import Testing

@Suite struct CredentialDirectoryTests {
    static let now: Int64 = 1_800_000_000
    static let request = CertificateRequest.server(commonName: "api", dnsNames: ["a.test"], addresses: ["10.0.0.1"])

    /// Runs `body` with a directory that does not exist yet.
    private func scratch(_ body: (CredentialDirectory) throws -> Void) throws {
        var template = Array("\(temporaryDirectory)/pki-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let directory = CredentialDirectory(path: root + "/pki")
        defer {
            for name in ["ca", "api", "sa"] {
                unlink(directory.certificatePath(name))
                unlink(directory.keyPath(name))
            }
            rmdir(directory.path)
            rmdir(root)
        }
        try body(directory)
    }

    private func mode(_ path: String) -> mode_t {
        var info = stat()
        return stat(path, &info) == 0 ? info.st_mode & 0o777 : 0
    }

    @Test func makesOnceAndKeeps() throws {
        try scratch { directory in
            let authority = try directory.authority("ca", commonName: "ca", nowSeconds: Self.now)
            #expect(try directory.authority("ca", commonName: "ca", nowSeconds: Self.now) == authority)
            #expect(mode(directory.keyPath("ca")) == 0o600)
            #expect(mode(directory.certificatePath("ca")) == 0o644)
            #expect(mode(directory.path) == 0o700)
            let first = try directory.credential("api", Self.request, authority: authority, nowSeconds: Self.now)
            #expect(
                try directory.credential("api", Self.request, authority: authority, nowSeconds: Self.now + 100) == first
            )
        }
    }

    @Test func reissuesWhatDoesNotFit() throws {
        try scratch { directory in
            let authority = try directory.authority("ca", commonName: "ca", nowSeconds: Self.now)
            func current(_ request: CertificateRequest, _ authority: CertificateAuthority, at now: Int64) throws
                -> Credential
            { try directory.credential("api", request, authority: authority, nowSeconds: now) }
            var last = try current(Self.request, authority, at: Self.now)
            func expectFresh(_ next: Credential) {
                #expect(next != last)
                last = next
            }
            var wider = Self.request
            wider.addresses.append("10.0.0.2")
            try expectFresh(current(wider, authority, at: Self.now))
            try expectFresh(current(wider, authority, at: Self.now + 300 * 86_400))
            let other = try CertificateAuthority(commonName: "ca", nowSeconds: Self.now)
            try expectFresh(current(wider, other, at: Self.now + 300 * 86_400))
            unlink(directory.keyPath("api"))
            try expectFresh(current(wider, other, at: Self.now + 300 * 86_400))
            #expect(try current(wider, other, at: Self.now + 300 * 86_400) == last)
        }
    }

    @Test func neverReplacesAnAuthorityInSilence() throws {
        try scratch { directory in
            _ = try directory.authority("ca", commonName: "ca", nowSeconds: Self.now)
            unlink(directory.keyPath("ca"))
            #expect(throws: PKIError.self) {
                try directory.authority("ca", commonName: "ca", nowSeconds: Self.now)
            }
        }
    }

    @Test func namesTheFileThatFails() {
        let directory = CredentialDirectory(path: "/proc/nowhere/pki")
        let error = #expect(throws: PKIError.self) {
            try directory.authority("ca", commonName: "ca", nowSeconds: Self.now)
        }
        #expect(error.map { "\($0)" }?.contains("/proc/nowhere/pki") ?? false)
    }

    @Test func kubeconfigSaysWhatKubectlNeeds() throws {
        let authority = try CertificateAuthority(commonName: "ca", nowSeconds: Self.now)
        let client = try authority.issue(.client(commonName: "admin"), nowSeconds: Self.now)
        let text = Kubeconfig(
            clusterName: "a\"b", serverURL: "https://127.0.0.1:6443", authorityPEM: authority.certificatePEM,
            client: client
        ).text
        #expect(text.contains("    server: \"https://127.0.0.1:6443\"\n"))
        #expect(text.contains("    certificate-authority-data: \(base64Text(authority.certificatePEM.utf8))\n"))
        #expect(text.contains("    client-key-data: \(base64Text(client.keyPEM.utf8))\n"))
        #expect(text.hasSuffix("current-context: \"a\\\"b\"\n"))
        #expect(base64Text(Array("light work.".utf8)) == "bGlnaHQgd29yay4=")
    }
}
