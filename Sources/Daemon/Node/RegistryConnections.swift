import APIMachinery
import CRI
import ContainerRuntime
import HTTP
import Linux
import Transport

extension RegistryClient {
    /// Over this process's connections; TLS is checked against the system's authorities and those that are configured for the host.
    /// - Parameter files: read the certificates and the mirrors' credentials.
    init(
        hosts: RegistryHosts, certificates: RegistryCertificates, mirrors: MirrorCredentials, proxies: RegistryProxies,
        threads: IOThreads, files: BlockingThreads, time: any TimeSource
    ) {
        var limits = ClientLimits()
        limits.totalTime = .seconds(60)
        limits.streamsBodiesOver = 1 << 20
        limits.connections = 16
        let chosen = limits
        let mirrorAuth: MirrorAuth = { (origin, repository) async throws(CRIError) in
            try await files.perform("read credentials") { () throws(CRIError) in
                try mirrors.auth(for: origin, repository: repository)
            }
        }
        self.init(hosts: hosts, time: time, mirrorAuth: mirrorAuth) { (origin) async throws(CRIError) in
            var endpoint = HTTPEndpoint.http(host: origin.host, port: origin.port)
            if origin.isSecure {
                do throws(KernelError) {
                    let tls = try await files.run("read certificates") { () throws(KernelError) in
                        try certificates.tls(for: origin)
                    }
                    endpoint = .https(host: origin.host, port: origin.port, tls)
                } catch {
                    throw .failed("registry \(origin): \(error)")
                }
            }
            let proxy = try proxies.proxy(for: origin)
            do throws(TransportError) {
                return try HTTPClient(endpoint, proxy: proxy, limits: chosen, threads: threads)
            } catch {
                throw .failed("registry \(origin): \(error)")
            }
        }
    }
}

/// Who vouches for registries that no authority of the system does: PEM texts by host and port.
struct RegistryAuthorities: Sendable {
    private var texts: [String: String] = [:]

    /// Reads entries such as `build.local:5000=/etc/swiftlet/build.pem`, and the files that they name.
    init(_ text: String) throws(DaemonError) {
        for (host, path) in try Self.entries(text) {
            let bytes = try DaemonError.wrapping("registry-ca") { () throws(KernelError) in
                try WholeFile.read(path, limit: 1 << 20)
            }
            let pem = String(decoding: bytes, as: UTF8.self)
            guard pem.contains("-----BEGIN CERTIFICATE-----") else {
                throw DaemonError("registry-ca: \(path): there is no certificate in PEM form in it")
            }
            texts[host, default: ""] += pem + "\n"
        }
    }

    /// Host and file of each entry, without looking at the files.
    static func entries(_ text: String) throws(DaemonError) -> [(host: String, path: String)] {
        var found: [(host: String, path: String)] = []
        for entry in text.split(whereSeparator: { $0 == " " || $0 == ";" || $0 == "\n" }) {
            let parts = entry.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, parts[1].hasPrefix("/"), !parts[0].contains("/") else {
                throw DaemonError("registry-ca: \"\(entry)\" must be HOST[:PORT]=/PATH")
            }
            found.append((parts[0].hasSuffix(":443") ? String(parts[0].dropLast(4)) : parts[0], parts[1]))
        }
        return found
    }

    /// Empty for none.
    func text(_ origin: RegistryOrigin) -> String { texts[origin.hostField] ?? "" }
}
