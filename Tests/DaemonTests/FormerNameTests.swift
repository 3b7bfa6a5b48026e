import KubernetesAPI
import Testing

@testable import Daemon

@Suite struct FormerNameTests {
    private func node(_ name: String, _ address: String, _ share: String?) -> Node {
        Node(name: name) {
            $0.spec.podCIDR = share
            $0.status.addresses = [
                NodeAddress {
                    $0.type = "InternalIP"
                    $0.address = address
                }
            ]
        }
    }

    /// Another name at this machine's own address is no peer, whose pods would be somewhere.
    @Test func aNameThatTheMachineHadBeforeIsNoPeer() {
        let (peers, former) = PeerWatch.others(
            [
                node("b", "192.0.2.2", "10.42.1.0/24"), node("now", "192.0.2.1", "10.42.0.0/24"),
                node("before", "192.0.2.1", "10.42.0.0/24"), node("new", "192.0.2.3", nil),
            ], than: "now", at: "192.0.2.1")
        #expect(peers.map(\.name) == ["b"])
        #expect(former == ["before"])
    }
}
