import APIMachinery
import Client
import Controllers
import KubernetesAPI
import Linux
import Testing

@Suite struct PodNetworksTests {
    private func network(_ text: String) throws -> IPv4Network { try #require(IPv4Network(text)) }

    private func networks(_ cluster: String = "10.42.0.0/22") throws -> PodNetworks {
        try #require(
            PodNetworks(
                cluster: try network(cluster), nodePrefix: 24, fixed: ["server": try network("10.42.0.0/24")]))
    }

    @Test func givesTheFirstThatIsFree() throws {
        let networks = try networks()
        #expect(networks.share(for: "server", before: nil, taken: []) == (try network("10.42.0.0/24")))
        #expect(networks.share(for: "a", before: nil, taken: []) == (try network("10.42.1.0/24")))
        let taken = [try network("10.42.1.0/24"), try network("10.42.2.128/25")]
        #expect(networks.share(for: "b", before: nil, taken: taken) == (try network("10.42.3.0/24")))
        #expect(networks.share(for: "c", before: nil, taken: taken + [try network("10.42.3.0/24")]) == nil)
    }

    @Test func prefersWhatTheNodeHadBefore() throws {
        let networks = try networks()
        let before = try network("10.42.3.0/24")
        #expect(networks.share(for: "a", before: before, taken: []) == before)
        #expect(networks.share(for: "a", before: before, taken: [before]) == (try network("10.42.1.0/24")))
        // Not what is no share of this cluster any more.
        #expect(
            networks.share(for: "a", before: try network("10.9.0.0/24"), taken: [])?.address.description == "10.42.1.0")
        #expect(networks.share(for: "a", before: try network("10.42.2.0/25"), taken: [])?.prefixLength == 24)
    }

    @Test func coversTheWholeAddressSpaceAtItsEnds() throws {
        let last = try #require(PodNetworks(cluster: try network("255.255.254.0/23"), nodePrefix: 24))
        let first = try network("255.255.254.0/24")
        #expect(last.share(for: "a", before: nil, taken: [first]) == (try network("255.255.255.0/24")))
        #expect(PodNetworks(cluster: try network("10.42.0.0/24"), nodePrefix: 16) == nil)
        #expect(PodNetworks(cluster: try network("10.42.0.0/24"), nodePrefix: 31) == nil)
    }

    @Test func everyNodeOfAClusterGetsItsOwn() async throws {
        let networks = try networks("10.42.0.0/16")
        try await TestCluster.run(podNetworks: networks) { cluster in
            for name in ["server", "a", "b", "c"] { try await cluster.addNode(name) }
            try await cluster.until(cluster.informers.nodes) { nodes in
                nodes.count == 4 && nodes.allSatisfy { $0.spec.podCIDR != nil }
            }
            let before = Dictionary(
                uniqueKeysWithValues: cluster.informers.nodes.list().map { ($0.metadata.name, $0.spec.podCIDRs) })
            #expect(before["server"] == ["10.42.0.0/24"])
            #expect(Set(before.values).count == 4)
            // A node that comes again has what it had.
            try await cluster.client.delete(Node.self, "b")
            try await cluster.until(cluster.informers.nodes) { $0.count == 3 }
            try await cluster.addNode("b")
            try await cluster.until(cluster.informers.nodes) {
                $0.count == 4 && $0.allSatisfy { $0.spec.podCIDR != nil }
            }
            #expect(cluster.informers.nodes.get("b")?.spec.podCIDRs == before["b"])
        }
    }
}
