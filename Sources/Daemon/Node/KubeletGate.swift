import APIMachinery
import HTTP
import Kubelet
import Streaming

/// The kubelet on the network: for the API server alone, known by its certificate. Another node's certificate opens nothing.
struct KubeletGate: HTTPHandler {
    let kubelet: any HTTPHandler

    func handle(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        switch request.peer {
        case .certificate(commonName: NodeIdentityRequests.apiServer, _): return try await kubelet.handle(request)
        case .anonymous:
            return HTTPResponse(.unauthorized("this node's agent answers the API server, by its certificate"))
        default:
            return HTTPResponse(
                Status(.forbidden, code: 403, "this node's agent answers nobody but the API server"))
        }
    }
}
