import HTTP
import TestSupport
import Testing

@testable import Daemon

@Suite struct KubeletGateTests {
    @Test(arguments: [
        (Peer.anonymous, 401), (.certificate(commonName: "system:node:b", organizations: ["system:nodes"]), 403),
        (.certificate(commonName: "kubernetes-admin", organizations: ["system:masters"]), 403),
        (.certificate(commonName: "kube-apiserver-kubelet-client", organizations: []), 200),
    ])
    func opensToTheAPIServerAlone(_ peer: Peer, _ status: Int) async throws {
        let kubelet = FakeHTTPHandler { _ in HTTPResponse(200) }
        let answer = try await KubeletGate(kubelet: kubelet).handle(HTTPRequest(.get, "/pods", peer: peer))
        #expect(answer.status == status)
        #expect(kubelet.requests.count == (status == 200 ? 1 : 0))
    }
}
