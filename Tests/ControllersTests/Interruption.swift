import APIMachinery
import APIServer
import Client
import HTTP
import Synchronization
import Testing

/// Something that others do just before a request is answered, once: who asks cannot have known.
final class Interruption: Sendable {
    /// What is interrupted, as `GET /api/...`.
    private let requests: Set<String>
    private let action: @Sendable (APIClient) async throws -> Void
    private let first = Mutex<String?>(nil)

    init(of requests: Set<String>, _ action: @escaping @Sendable (APIClient) async throws -> Void) {
        self.requests = requests
        self.action = action
    }

    /// The request that was interrupted.
    var request: String? { first.withLock { $0 } }

    func interrupted(_ server: APIServer) -> any HTTPHandler { InterruptedServer(server: server, interruption: self) }

    fileprivate func meet(_ request: HTTPRequest, _ server: APIServer) async {
        let name = "\(request.method.rawValue) \(request.path)"
        let isFirst = first.withLock { first in
            guard first == nil, requests.contains(name) else { return false }
            first = name
            return true
        }
        guard isFirst else { return }
        let others = APIClient(
            handler: server, peer: .inProcess(user: "other", groups: ["system:masters"]), userAgent: "test")
        do { try await action(others) } catch { Issue.record("the interruption failed: \(error)") }
    }
}

private struct InterruptedServer: HTTPHandler {
    let server: APIServer
    let interruption: Interruption

    func handle(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        await interruption.meet(request, server)
        return try await server.handle(request)
    }
}
