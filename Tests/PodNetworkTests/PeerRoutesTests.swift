import Linux
import Testing

@testable import PodNetwork

@Suite struct PeerRoutesTests {
    private func network(_ text: String) throws -> IPv4Network { try #require(IPv4Network(text)) }
    private func address(_ text: String) throws -> IPv4Address { try #require(IPv4Address(text)) }

    private func routes(_ id: String = "abc123") throws -> PeerRoutes {
        PeerRoutes(
            instance: try #require(InstanceName(id)), cluster: try network("10.42.0.0/16"),
            own: try network("10.42.0.0/24"))
    }

    private func peer(_ name: String, _ at: String, _ pods: String) throws -> PeerNode {
        PeerNode(name: name, address: try address(at), network: try network(pods))
    }

    /// eth0 with 192.0.2.0/24 and the default route, eth1 with 198.51.100.0/25.
    private func table() throws -> [Route] {
        [
            Route(try network("0.0.0.0/0"), via: try address("192.0.2.254"), link: 2),
            Route(try network("192.0.2.0/24"), link: 2), Route(try network("198.51.100.0/25"), link: 3),
        ]
    }

    @Test func leadsThroughTheLinkThatThePeerIsOn() throws {
        let peers = [try peer("a", "192.0.2.7", "10.42.1.0/24"), try peer("b", "198.51.100.9", "10.42.2.0/24")]
        let wanted = try routes().wanted(peers, table: try table())
        #expect(wanted.unreachable.isEmpty)
        #expect(wanted.routes.map(\.link) == [2, 3])
        #expect(wanted.routes.map(\.gateway) == peers.map(\.address))
        #expect(wanted.routes.allSatisfy { $0.origin == PeerRoutes.origin && $0.metric > 0 })
    }

    @Test func namesPeersWithoutAWay() throws {
        let far = try peer("far", "203.0.113.5", "10.42.1.0/24")
        let foreign = try peer("foreign", "192.0.2.8", "10.99.0.0/24")
        let greedy = try peer("greedy", "192.0.2.9", "10.42.0.0/16")
        let ours = try peer("ours", "192.0.2.10", "10.42.0.0/24")
        let wanted = try routes().wanted([far, foreign, greedy, ours], table: try table())
        #expect(wanted.routes.isEmpty)
        #expect(wanted.unreachable.count == 4)
        #expect(wanted.unreachable.first?.contains("203.0.113.5") == true)
    }

    @Test func ofTwoWithTheSamePodsOneHasThem() throws {
        let peers = [try peer("b", "192.0.2.8", "10.42.1.0/24"), try peer("a", "192.0.2.7", "10.42.1.0/24")]
        let wanted = try routes().wanted(peers, table: try table())
        #expect(wanted.routes.compactMap(\.gateway) == [try address("192.0.2.7")])
        #expect(wanted.unreachable.count == 1)
    }

    @Test func changesOnlyWhatDiffers() throws {
        let routes = try routes()
        let base = try table()
        let before = routes.wanted(
            [try peer("a", "192.0.2.7", "10.42.1.0/24"), try peer("b", "192.0.2.8", "10.42.2.0/24")], table: base)
        let full = routes.changes(base, to: before.routes)
        #expect(full.delete.isEmpty && full.add == before.routes)
        let present = base + before.routes
        #expect(routes.changes(present, to: before.routes).add.isEmpty)
        #expect(routes.changes(present, to: before.routes).delete.isEmpty)
        // a has another address now, b is gone: one is replaced, the other deleted.
        let after = routes.wanted([try peer("a", "192.0.2.17", "10.42.1.0/24")], table: present)
        let changes = routes.changes(present, to: after.routes)
        #expect(changes.add.compactMap(\.gateway) == [try address("192.0.2.17")])
        #expect(changes.delete.map(\.destination) == [try network("10.42.2.0/24")])
    }

    @Test func leavesOthersRoutesAlone() throws {
        let mine = try routes("aaaaaa")
        let other = try routes("aaaaab")
        let theirs = other.wanted([try peer("a", "192.0.2.7", "10.42.1.0/24")], table: try table()).routes
        let plain = Route(try network("10.42.3.0/24"), via: try address("192.0.2.9"), link: 2)
        let changes = mine.changes(try table() + theirs + [plain], to: [])
        #expect(changes.delete.isEmpty && changes.add.isEmpty)
        #expect(other.changes(theirs, to: []).delete == theirs)
    }

    @Test func everyIdHasItsNumber() throws {
        #expect(InstanceName("000000")?.number == 1)
        #expect(InstanceName("zzzzzz")?.number == 2_176_782_336)
        #expect(InstanceName("a")?.number == 11)
    }
}
