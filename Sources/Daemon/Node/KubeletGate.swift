import APIMachinery
import HTTP
import Kubelet

/// The kubelet on the network: for the API server alone, known by its certificate. Another node's certificate opens nothing.
struct KubeletGate: HTTPHandler {
    let kubelet: any HTTPHandler

    func handle(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        switch request.peer {
        case .certificate(commonName: NodeIdentityRequests.apiServer, _): return try await kubelet.handle(request)
        case .anonymous: return refusal(.unauthorized("this node's agent answers the API server, by its certificate"))
        default:
            return refusal(
                Status(.forbidden, code: 403, "this node's agent answers nobody but the API server"))
        }
    }

    private func refusal(_ status: Status) -> HTTPResponse {
        HTTPResponse(Int(status.code), contentType: "application/json", status.json.encoded())
    }
}
