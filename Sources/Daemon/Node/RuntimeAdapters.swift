import APIMachinery
import CRI
import ContainerRuntime
import HTTP
import Kubelet
import Linux
import PodNetwork
import Transport

/// The runtime's network, from the pod network.
struct PodLinks: SandboxNetwork {
    let network: PodNetwork
    let host: HostWatch

    func attach(
        sandbox: String, networkNamespace: String, ports: [PortMapping]
    ) async throws(CRIError) -> [String] {
        var hostPorts: [HostPort] = []
        for port in ports { hostPorts.append(try HostPort(port)) }
        do throws(PodNetworkError) {
            let address = try await network.attach(
                sandbox: sandbox, networkNamespace: .path(networkNamespace), hostPorts: hostPorts)
            return [address.address.description]
        } catch {
            if case .exhausted = error { host.found(.addressesExhausted, "\(error)") }
            throw .failed("network of the sandbox: \(error)")
        }
    }

    func isolate(networkNamespace: String) async throws(CRIError) {
        do throws(PodNetworkError) {
            try await network.isolate(.path(networkNamespace))
        } catch {
            throw .failed("network of the sandbox: \(error)")
        }
    }

    func detach(sandbox: String) async throws(CRIError) {
        let hadAddress = await network.address(of: sandbox) != nil
        do throws(PodNetworkError) {
            try await network.detach(sandbox: sandbox)
            // There is an address now, for who is first; not so when what goes is what has waited for one.
            if hadAddress { host.gone(.addressesExhausted) }
        } catch {
            throw .failed("network of the sandbox: \(error)")
        }
    }

    func collect(live: @escaping @Sendable () -> Set<String>?) async throws(CRIError) {
        do throws(PodNetworkError) {
            try await network.collect(live: live)
        } catch {
            throw .failed("links of former pods: \(error)")
        }
    }
}

extension PodLinks {
    var problem: String? {
        get async { await network.problem }
    }
}

extension HostPort {
    init(_ mapping: PortMapping) throws(CRIError) {
        let names: [String: TransportProtocol] = ["": .tcp, "TCP": .tcp, "UDP": .udp, "SCTP": .sctp]
        guard let transport = names[mapping.transport] else {
            throw .invalid("hostPort \(mapping.hostPort): protocol \(mapping.transport) is not known")
        }
        var address: IPv4Address?
        if !["", "0.0.0.0"].contains(mapping.hostAddress) {
            guard let parsed = IPv4Address(mapping.hostAddress) else {
                throw .unsupported(
                    "hostPort \(mapping.hostPort): hostIP \(mapping.hostAddress) is no IPv4 address, and this node forwards only those"
                )
            }
            address = parsed
        }
        self.init(transport: transport, address: address, port: mapping.hostPort, podPort: mapping.containerPort)
    }
}

/// The kubelet's network probes, by the transport.
struct NetworkProbes: ProbeTransport {
    let threads: IOThreads

    /// Bodies up to this many bytes are collected.
    private static let longestBody = 10 << 10

    func get(_ url: ProbeURL, headers: HTTPHeaders, timeout: Duration) async throws(HTTPError) -> HTTPResponse {
        let endpoint: HTTPEndpoint =
            url.isSecure
            ? .https(host: url.host, port: Int(url.port), ClientTLS(trust: .anyone))
            : .http(host: url.host, port: Int(url.port))
        var limits = ClientLimits()
        limits.totalTime = timeout
        limits.idleConnections = 0
        limits.streamsBodiesOver = Self.longestBody
        let client: HTTPClient
        do throws(TransportError) {
            client = try HTTPClient(endpoint, limits: limits, threads: threads)
        } catch {
            throw .connectFailed(endpoint: "\(endpoint)", reason: "\(error)")
        }
        defer { client.close() }
        var request = HTTPRequest(.get, url.target, headers: headers)
        request.target = url.target
        return try await client.handle(request)
    }

    func connect(host: String, port: UInt16, timeout: Duration) async throws(HTTPError) {
        try await TCPProbe.check(host: host, port: Int(port), within: timeout, threads: threads)
    }

    func call(
        _ path: String, _ message: [UInt8], host: String, port: UInt16, timeout: Duration
    ) async throws(HTTPError) -> GRPCAnswer {
        let answer = try await GRPCCall.send(
            path, message, host: host, port: Int(port), within: timeout, threads: threads)
        return GRPCAnswer(status: answer.status, message: answer.message, body: answer.body)
    }
}
