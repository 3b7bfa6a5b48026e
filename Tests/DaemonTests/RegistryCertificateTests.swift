import ContainerRuntime
import Glibc
import Linux
import TestSupport
import Testing
import Transport

@testable import Daemon

@Suite final class RegistryCertificateTests {
    private let root = "\(temporaryDirectory)/registry-certs-\(getpid())-\(UInt32.random(in: .min ... .max))"
    private let build = RegistryOrigin(isSecure: true, host: "build.local", port: 5000)

    deinit { try? TreeRemoval.remove(root) }

    private func write(_ path: String, _ text: String) throws {
        try WholeFile.makeDirectories("\(root)/\(path.parentPath ?? "")")
        try WholeFile.replace("\(root)/\(path)", with: Array(text.utf8), durable: false)
    }

    private func tls(_ origin: RegistryOrigin) throws -> ClientTLS {
        try write("build.pem", "-----BEGIN CERTIFICATE-----")
        return try RegistryCertificates(
            authorities: RegistryAuthorities("build.local:5000=\(root)/build.pem"),
            directories: "\(root)/none,\(root)/own,\(root)/docker"
        ).tls(for: origin)
    }

    @Test func theFirstDirectoryThatKnowsTheHostCounts() throws {
        for (place, name) in [("own", "mine"), ("docker", "theirs")] {
            try write("\(place)/build.local:5000/client.cert", "\(name) certificate")
            try write("\(place)/build.local:5000/client.key", "\(name) key")
        }
        try write("docker/other.local/a.crt", "one")
        try write("docker/other.local/b.crt", "two")
        let found = try tls(build)
        #expect(found.certificatePEM == "mine certificate" && found.keyPEM == "mine key")
        // Who vouches for it is still the setting's.
        #expect(found.trust == .systemAnd("-----BEGIN CERTIFICATE-----\n"))
        let other = try tls(RegistryOrigin(isSecure: true, host: "other.local", port: 443))
        #expect(other == ClientTLS(trust: .systemAnd("one\ntwo\n")))
        // One takes nothing from the other.
        try write("own/build.local:5000/ca.crt", "one")
        #expect(try tls(build).trust == .systemAnd("-----BEGIN CERTIFICATE-----\none\n"))
    }

    @Test func thePortOfTLSMayBeNamed() throws {
        try write("own/a.local:443/ca.crt", "authority")
        #expect(try tls(RegistryOrigin(isSecure: true, host: "a.local", port: 443)).trust == .systemAnd("authority\n"))
        #expect(try tls(RegistryOrigin(isSecure: true, host: "b.local", port: 443)).trust == .system)
    }

    @Test func aCertificateWithoutItsKeyIsNamed() throws {
        try write("own/build.local:5000/client.cert", "certificate")
        let error = #expect(throws: KernelError.self) { try tls(build) }
        #expect(error?.object.hasSuffix("build.local:5000/client.key") == true)
    }

    /// A registry's name must not climb out of the directory.
    @Test func dotsAreNoHost() throws {
        try write("own/x", "")
        try write("ca.crt", "authority")
        #expect(try tls(RegistryOrigin(isSecure: true, host: "..", port: 443)).trust == .system)
    }
}
