import ContainerRuntime
import Glibc
import Linux
import Transport

/// Who vouches for a registry beside the authorities of the system, and as whom we come to it: the setting `registry-ca`, and directories as docker,
/// podman and containerd have them, with `HOST[:PORT]/ca.crt`, `client.cert` and `client.key` in them.
struct RegistryCertificates: Sendable {
    private let authorities: RegistryAuthorities
    private let directories: [String]

    /// - Parameter directories: between commas. Of those that know a host, the first counts.
    init(authorities: RegistryAuthorities, directories: String) {
        self.authorities = authorities
        self.directories = directories.split(separator: ",").map(String.init)
    }

    /// Read anew each time, so that a certificate that is renewed counts at once. Blocks.
    func tls(for origin: RegistryOrigin) throws(KernelError) -> ClientTLS {
        let found = try files(for: origin)
        var authority = authorities.text(origin)
        if let found {
            for name in found.names(".crt") { authority += try found.text(name) + "\n" }
        }
        var tls = ClientTLS(trust: authority.isEmpty ? .system : .systemAnd(authority))
        if let found, let name = found.names(".cert").first {
            tls.certificatePEM = try found.text(name)
            tls.keyPEM = try found.text(String(name.dropLast(".cert".count)) + ".key")
        }
        return tls
    }

    private func files(for origin: RegistryOrigin) throws(KernelError) -> Files? {
        let ports = [origin.hostField] + (origin.port == 443 ? ["\(origin.hostField):443"] : [])
        for directory in directories {
            for name in ports where !name.hasPrefix(".") {
                let path = "\(directory)/\(name)"
                if access(path, F_OK) == 0 { return Files(path: path, all: try OpenDirectory(path).names()) }
            }
        }
        return nil
    }

    private struct Files {
        let path: String
        let all: [String]

        func names(_ suffix: String) -> [String] { all.filter { $0.hasSuffix(suffix) } }

        func text(_ name: String) throws(KernelError) -> String {
            String(decoding: try WholeFile.read("\(path)/\(name)"), as: UTF8.self)
        }
    }
}
