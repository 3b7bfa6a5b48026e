import APIMachinery
import CRI
import HTTP
import JSONTree
import KubernetesAPI
import Linux
import Streaming

/// What the kubelet answers: logs, exec, attach, port-forward, the pods it knows and what they use. Its paths are upstream's. Whoever mounts it sees to
/// authentication: the API server in this process, or a TLS server that asks for the API server's certificate.
struct KubeletEndpoint: HTTPHandler {
    let runtime: any RuntimeService
    let directory: PodDirectory
    let threads: BlockingThreads
    let events: EventThread
    let time: any TimeSource
    let stats: StatsReader

    func handle(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        do throws(Status) {
            let parts = request.path.split(separator: "/").map(String.init)
            switch (parts.first, parts.count) {
            case ("healthz", 1): return HTTPResponse(200, contentType: "text/plain", Array("ok".utf8))
            case ("pods", 1): return podList()
            case ("stats", 2) where parts[1] == "summary":
                let summary = try await readStats(files: request.query("only_cpu_and_memory") != "true").summary
                return HTTPResponse(summary)
            case ("metrics", 2) where parts[1] == "resource":
                let text = try await readStats().metrics
                return HTTPResponse(200, contentType: "text/plain; version=0.0.4", Array(text.utf8))
            case ("metrics", 2) where parts[1] == "cadvisor":
                let text = try await readStats().cadvisorMetrics
                return HTTPResponse(200, contentType: "text/plain; version=0.0.4", Array(text.utf8))
            case ("containerLogs", 4):
                return try await logs(request, namespace: parts[1], pod: parts[2], container: parts[3])
            case ("exec", 4), ("attach", 4):
                return try await session(request, namespace: parts[1], pod: parts[2], container: parts[3])
            case ("portForward", 3):
                return try await portForward(request, namespace: parts[1], pod: parts[2])
            default: throw .resourceNotFound()
            }
        } catch {
            return HTTPResponse(error)
        }
    }

    private func readStats(files: Bool = false) async throws(Status) -> NodeStats {
        do throws(CRIError) {
            return try await stats.read(files: files)
        } catch {
            throw .internalError("the runtime gives no figures: \(error)")
        }
    }

    private func podList() -> HTTPResponse {
        let list: JSONValue = [
            "apiVersion": "v1", "kind": "PodList", "metadata": [:], "items": .array(directory.pods.map(\.json)),
        ]
        return HTTPResponse(list)
    }

    /// The newest container of this name, or, with `previous`, the run that the pod's status tells of as the last one.
    func find(
        _ container: String, in pod: String, _ namespace: String, previous: Bool = false
    ) async throws(Status) -> CRI.ContainerStatus {
        guard let object = directory.pod(named: pod, in: namespace) else {
            throw .notFound(ResourceName("pods"), pod)
        }
        do throws(CRIError) {
            let observation = try await runtime.observe(podUID: object.metadata.uid)
            let found =
                previous
                ? observation.last(container, toldBy: object.status) : observation.newest(container)
            if let found { return found }
        } catch {
            throw .internalError("pod \(namespace)/\(pod): \(error)")
        }
        guard !previous else {
            throw .badRequest("previous terminated container \"\(container)\" in pod \"\(pod)\" not found")
        }
        let reason = object.status.container(named: container)?.state.waiting?.reason.map { ": \($0)" } ?? ""
        throw .badRequest("container \"\(container)\" in pod \"\(pod)\" is waiting to start\(reason)")
    }

    private var containers: ContainerEndpoint {
        ContainerEndpoint(runtime: runtime, threads: threads, events: events, time: time)
    }

    private func logs(
        _ request: HTTPRequest, namespace: String, pod: String, container: String
    ) async throws(Status) -> HTTPResponse {
        let isPrevious = request.flag("previous") ?? false
        let status = try await find(container, in: pod, namespace, previous: isPrevious)
        return try await containers.logs(request, of: status, named: Self.name(container, pod))
    }

    private func session(
        _ request: HTTPRequest, namespace: String, pod: String, container: String
    ) async throws(Status) -> HTTPResponse {
        let status = try await find(container, in: pod, namespace)
        return try containers.session(
            request, in: status, named: Self.name(container, pod), isAttach: request.path.hasPrefix("/attach"))
    }

    /// In messages.
    private static func name(_ container: String, _ pod: String) -> String {
        "container \"\(container)\" in pod \"\(pod)\""
    }

    private func portForward(
        _ request: HTTPRequest, namespace: String, pod: String
    ) async throws(Status) -> HTTPResponse {
        guard let object = directory.pod(named: pod, in: namespace) else {
            throw .notFound(ResourceName("pods"), pod)
        }
        let forwarding = PortForwarding(
            runtime: runtime, sandbox: try await sandbox(of: object), pod: "\(namespace)/\(pod)",
            uid: object.metadata.uid)
        return try forwarding.answer(request)
    }

    /// The pod's sandbox that runs.
    private func sandbox(of pod: Pod) async throws(Status) -> String {
        do throws(CRIError) {
            if let found = try await runtime.observe(podUID: pod.metadata.uid).readySandbox { return found.id }
        } catch {
            throw .internalError("pod \(pod.metadata.namespace)/\(pod.metadata.name): \(error)")
        }
        throw .badRequest("pod \(pod.metadata.name) is not running")
    }
}
