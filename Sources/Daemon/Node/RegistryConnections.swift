import APIMachinery
import CRI
import ContainerRuntime
import HTTP
import Transport

extension RegistryClient {
    /// Over this process's connections; TLS is checked against the system's authorities.
    init(hosts: RegistryHosts, threads: IOThreads, time: any TimeSource) {
        var limits = ClientLimits()
        limits.totalTime = .seconds(60)
        limits.streamsBodiesOver = 1 << 20
        limits.connections = 16
        let chosen = limits
        self.init(hosts: hosts, time: time) { (origin) throws(CRIError) in
            let endpoint: HTTPEndpoint =
                origin.isSecure
                ? .https(host: origin.host, port: origin.port, ClientTLS(trust: .system))
                : .http(host: origin.host, port: origin.port)
            do throws(TransportError) {
                return try HTTPClient(endpoint, limits: chosen, threads: threads)
            } catch {
                throw .failed("registry \(origin): \(error)")
            }
        }
    }
}
