import APIMachinery
import CRI
import Client
import HTTP
import KubernetesAPI

/// The container that a probe or a hook is about.
struct ProbeTarget: Sendable {
    var container: Container
    var id: String
    var pod: Pod
    /// The pod's address, nil while it has none.
    var address: String?
}

/// Network checks that a transport does for the prober.
package protocol ProbeTransport: Sendable {
    /// One GET without following redirects; certificates are not verified (a probe asks for health, not for identity). A long body, and one of unknown
    /// length, comes as a stream.
    func get(_ url: ProbeURL, headers: HTTPHeaders, timeout: Duration) async throws(HTTPError) -> HTTPResponse
    /// Connects and closes.
    func connect(host: String, port: UInt16, timeout: Duration) async throws(HTTPError)
    /// One unary gRPC call in the clear.
    func call(
        _ path: String, _ message: [UInt8], host: String, port: UInt16, timeout: Duration
    ) async throws(HTTPError) -> GRPCAnswer
}

/// Carries checks and hooks out.
struct Prober: Sendable {
    let runtime: any RuntimeService
    let transport: any ProbeTransport
    let time: any TimeSource

    /// What could not be asked (a port that the container does not name, a command that it does not have, no process left for one) says nothing about
    /// it: that is a failure of the check, which counts for nothing and is tried again, as upstream's prober has it.
    func check(
        _ key: ProbeKey, _ pod: Pod, _ observation: PodObservation, timeout: Duration
    ) async -> PodOutcome {
        let containers = pod.spec.initContainers + pod.spec.containers
        guard let container = containers.first(where: { $0.name == key.container }),
            let probe = container.probe(key.kind)
        else { return .probed(isHealthy: true, message: "") }
        let sandbox = observation.readySandbox
        let address = pod.spec.hostNetwork ? pod.status.hostIP : sandbox?.addresses.first
        let target = ProbeTarget(container: container, id: key.id, pod: pod, address: address)
        do throws(ProbeFailure) {
            if let action = probe.httpGet { return try await check(action, target, timeout: timeout) }
            let failure: String?
            if let grpc = probe.grpc {
                failure = try await check(grpc, target, timeout: timeout)
            } else if let exec = probe.exec {
                failure = try await execute(exec, target, timeout: timeout)
            } else {
                try await connect(probe.tcpSocket, target, timeout: timeout)
                failure = nil
            }
            return .probed(isHealthy: failure == nil, message: failure ?? "")
        } catch .unasked(let message) {
            return .failure(reason: "ProbeError", message: message)
        } catch {
            return .probed(isHealthy: false, message: error.description)
        }
    }

    /// Runs a lifecycle hook. Returns what failed, in one line with the hook and its container; nil for success.
    /// - Parameter warn: is told what the pod's events should say of one that succeeds: the reason and the message.
    func run(
        _ hook: LifecycleHandler, _ target: ProbeTarget, timeout: Duration, warn: (String, String) -> Void = { _, _ in }
    ) async -> String? {
        if let sleep = hook.sleep {
            return await pause(.seconds(max(0, sleep.seconds)), timeout: timeout)
        }
        let failure =
            if let exec = hook.exec {
                await run(exec, target, timeout: timeout)
            } else if let action = hook.httpGet {
                await run(action, target, timeout: timeout, warn: warn)
            } else {
                await run(hook.tcpSocket, target, timeout: timeout)
            }
        let place = "Container \"\(target.container.name)\" in Pod \"\(target.pod.metadata.logName)\""
        return failure.map { "\(hook.title) for \(place) failed - error: \($0)" }
    }

    private func pause(_ duration: Duration, timeout: Duration) async -> String? {
        try? await time.sleep(for: min(duration, timeout))
        return nil
    }

    private func run(_ tcp: TCPSocketAction?, _ target: ProbeTarget, timeout: Duration) async -> String? {
        do throws(ProbeFailure) {
            try await connect(tcp, target, timeout: timeout)
            return nil
        } catch {
            return error.description
        }
    }

    /// What failed of a hook's command, with what it printed.
    private func run(_ action: ExecAction, _ target: ProbeTarget, timeout: Duration) async -> String? {
        do throws(CRIError) {
            let result = try await result(of: action, target, timeout: timeout)
            guard result.exitCode != 0 else { return nil }
            let message = result.text.split(whereSeparator: \.isNewline).joined(separator: "\n")
            return "command '\(action.line)' exited with \(result.exitCode), message: \(message.debugDescription)"
        } catch {
            return error.description
        }
    }

    /// What the command says against the container, nil for nothing. One that takes too long says something, one that did not run does not.
    private func execute(
        _ action: ExecAction, _ target: ProbeTarget, timeout: Duration
    ) async throws(ProbeFailure) -> String? {
        do throws(CRIError) {
            let result = try await result(of: action, target, timeout: timeout)
            guard result.exitCode != 0 else { return nil }
            let output = result.text
            return output.isEmpty ? "command exited with \(result.exitCode)" : output
        } catch .timedOut(let message) {
            return message
        } catch {
            throw .unasked(error.description)
        }
    }

    private func result(
        of action: ExecAction, _ target: ProbeTarget, timeout: Duration
    ) async throws(CRIError) -> ExecResult {
        try await runtime.execSync(
            container: target.id, command: action.command, timeout: timeout, outputLimit: 10 << 10)
    }

    /// A redirect that is not followed is good, with a warning.
    private func check(
        _ action: HTTPGetAction, _ target: ProbeTarget, timeout: Duration
    ) async throws(ProbeFailure) -> PodOutcome {
        let response = try await get(action.url(target), HTTPHeaders(action, purpose: "probe"), timeout: timeout)
        let body = response.shownBody
        switch response.status {
        case 200..<300: return .probed(isHealthy: true, message: "")
        case 300..<400:
            return .probed(isHealthy: true, message: "Probe terminated redirects, Response body: \(body)")
        default:
            return .probed(isHealthy: false, message: "HTTP probe failed with statuscode: \(response.status)")
        }
    }

    /// Any answer is good. A server that does not speak TLS is asked without it.
    private func run(
        _ action: HTTPGetAction, _ target: ProbeTarget, timeout: Duration, warn: (String, String) -> Void
    ) async -> String? {
        let start = time.uptime()
        var headers = HTTPHeaders(action, purpose: "lifecycle")
        do throws(ProbeFailure) {
            var url = try action.url(target)
            do throws(ProbeFailure) {
                _ = try await get(url, headers, timeout: timeout).shownBody
            } catch .http(.refused(.speaksNoTLS(.server), _)) {
                let place = url.place
                url.isSecure = false
                headers["Authorization"] = nil
                _ = try await get(url, headers, timeout: timeout - (time.uptime() - start)).shownBody
                warn(
                    "LifecycleHTTPFallback",
                    "request to HTTPS lifecycle hook \(place) got HTTP response, retry with HTTP succeeded")
            }
            return nil
        } catch {
            return error.description
        }
    }

    private func get(
        _ url: ProbeURL, _ headers: HTTPHeaders, timeout: Duration
    ) async throws(ProbeFailure) -> HTTPResponse {
        do throws(HTTPError) {
            return try await HTTPCheck(transport: transport, time: time).get(url, headers, timeout: timeout)
        } catch {
            throw .http(error)
        }
    }

    private func check(
        _ action: GRPCAction, _ target: ProbeTarget, timeout: Duration
    ) async throws(ProbeFailure) -> String? {
        let (host, port) = try target.endpoint(nil, .integer(action.port))
        do throws(HTTPError) {
            return GRPCHealth.failure(
                try await transport.call(
                    GRPCHealth.path, GRPCHealth.request(action.service), host: host, port: port, timeout: timeout))
        } catch {
            throw .http(error)
        }
    }

    private func connect(
        _ action: TCPSocketAction?, _ target: ProbeTarget, timeout: Duration
    ) async throws(ProbeFailure) {
        guard let action else { throw .unasked("no handler that this node supports (exec, httpGet, tcpSocket, grpc)") }
        let (host, port) = try target.endpoint(action.host, action.port)
        do throws(HTTPError) {
            try await transport.connect(host: host, port: port, timeout: timeout)
        } catch {
            throw .http(error)
        }
    }
}

extension LifecycleHandler {
    fileprivate var title: String {
        if let exec = self.exec { return "Exec lifecycle hook ([\(exec.line)])" }
        if let httpGet = self.httpGet { return "HTTP lifecycle hook (\(httpGet.path))" }
        return "Lifecycle hook"
    }
}

private enum ProbeFailure: Error, CustomStringConvertible {
    /// Nobody answered.
    case http(HTTPError)
    /// There is nobody to ask.
    case unasked(String)

    var description: String {
        switch self {
        case .http(let error): error.description
        case .unasked(let cause): cause
        }
    }
}

extension ProbeTarget {
    /// Where a check goes.
    /// - Parameter host: the pod's address where it is nil or empty.
    fileprivate func endpoint(
        _ host: String?, _ port: IntOrString
    ) throws(ProbeFailure) -> (host: String, port: UInt16) {
        guard let number = port.port(of: self.container) else {
            throw .unasked("container \(self.container.name) has no port \(port)")
        }
        guard let host = host.flatMap({ $0.isEmpty ? nil : $0 }) ?? self.address else {
            throw .unasked("the pod has no address")
        }
        return (host, number)
    }
}

extension HTTPGetAction {
    fileprivate func url(_ target: ProbeTarget) throws(ProbeFailure) -> ProbeURL {
        let (host, port) = try target.endpoint(self.host, self.port)
        return ProbeURL(isSecure: self.scheme.lowercased() == "https", host: host, port: port, path: self.path)
    }
}

extension ExecAction {
    fileprivate var line: String { self.command.joined(separator: " ").replacing("\n", with: "\\n") }
}

extension ExecResult {
    fileprivate var text: String { String(decoding: standardOutput + standardError, as: UTF8.self) }
}

extension Container {
    func probe(_ kind: ProbeKind) -> Probe? {
        switch kind {
        case .startup: self.startupProbe
        case .liveness: self.livenessProbe
        case .readiness: self.readinessProbe
        }
    }
}

extension IntOrString {
    /// The port's number, by name where it is a name of one of the container's ports.
    func port(of container: Container) -> UInt16? {
        if let integer { return UInt16(exactly: integer) }
        let named = container.ports.first { $0.name == string }
        return named.flatMap { UInt16(exactly: $0.containerPort) } ?? string.flatMap { UInt16($0) }
    }
}
