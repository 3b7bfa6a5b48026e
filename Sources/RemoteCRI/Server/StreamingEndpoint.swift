import APIMachinery
import CRI
import HTTP
import JSONTree
import Streaming

/// Serves the sessions behind the URLs that Exec, Attach and PortForward answer with: by WebSocket or SPDY, as kubelets and their clients ask.
struct StreamingEndpoint: HTTPHandler {
    let runtime: any RuntimeService
    let sessions: StreamingSessions
    let time: any TimeSource

    func handle(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        do throws(Status) {
            return try await answer(request)
        } catch {
            return HTTPResponse(error)
        }
    }

    private func answer(_ request: HTTPRequest) async throws(Status) -> HTTPResponse {
        let parts = request.path.split(separator: "/").map(String.init)
        guard parts.count == 2, let session = sessions.take(parts[1]) else { throw .resourceNotFound() }
        let runtime = runtime
        switch (parts[0], session) {
        case ("exec", .exec(let exec)):
            return try RemoteCommand.answer(request, exec, time: time) { () async throws(CRIError) in
                try await runtime.exec(exec)
            }
        case ("attach", .attach(let attach)):
            return try RemoteCommand.answer(request, attach, time: time) { () async throws(CRIError) in
                try await runtime.attach(attach)
            }
        case ("portforward", .portForward(let sandbox, let ports)):
            let metadata = sandbox.metadata
            let forwarding = PortForwarding(
                runtime: runtime, sandbox: sandbox.id, pod: "\(metadata.namespace)/\(metadata.name)",
                uid: metadata.uid)
            return try forwarding.answer(request, ports: ports)
        default: throw .resourceNotFound()
        }
    }
}
