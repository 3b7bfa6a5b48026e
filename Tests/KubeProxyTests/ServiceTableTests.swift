import Linux
import Logging
import Testing

@testable import KubeProxy

private let web = ProxiedPortName(namespace: "default", service: "web", port: "http")
private let other = ProxiedPortName(namespace: "default", service: "other", port: "")

private func endpoint(_ last: UInt8, isReady: Bool = true, isLocal: Bool = true) -> ProxiedEndpoint {
    ProxiedEndpoint(IPv4Address(10, 42, 0, last), 8080, isReady: isReady, isLocal: isLocal)
}

private func port(_ endpoints: [ProxiedEndpoint], nodePort: UInt16? = nil, last: UInt8 = 7) -> ProxiedPort {
    var port = ProxiedPort(transport: .tcp, port: 80, clusterAddress: IPv4Address(10, 43, 0, last))
    port.nodePort = nodePort
    port.endpoints = endpoints
    return port
}

private func makeTable() throws -> ServiceTable {
    ServiceTable(
        rules: ServiceRules(
            table: "t", serviceNetwork: try #require(IPv4Network("10.43.0.0/16")),
            clusterNetwork: try #require(IPv4Network("10.42.0.0/16"))))
}

/// A table with some ports already in the kernel (in memory), which checks every transaction.
private struct Kernel {
    var table: ServiceTable
    let memory = MemoryNFTables()

    init() throws {
        table = try makeTable()
        try memory.apply(table.rebuild())
    }

    mutating func update(_ ports: [ProxiedPortName: ProxiedPort?]) throws -> String {
        let transaction = table.update(ports)
        if !transaction.isEmpty { try memory.apply(transaction) }
        return transaction.description
    }

    /// Whether what the increments led to is what a rebuild would make.
    func isAsRebuilt() throws -> Bool {
        let anew = MemoryNFTables()
        try anew.apply(table.rebuild())
        return anew.ruleset(of: "t") == memory.ruleset(of: "t")
    }
}

@Suite struct ServiceTableTests {
    @Test func theBaseReadsLikeARulesFile() throws {
        let rules = try makeTable().rules
        let lines = rules.base.description.split(separator: "\n").filter { !$0.hasPrefix("add map") }
        #expect(
            lines.dropFirst(11).joined(separator: "\n") == """
                add chain ip t services
                add rule ip t services ip daddr . meta l4proto . th dport vmap @services
                add rule ip t services ip daddr != 127.0.0.0/8 fib daddr type local \
                meta l4proto . th dport vmap @node-ports
                add chain ip t prerouting { type nat hook prerouting priority -100 ; }
                add rule ip t prerouting jump services
                add chain ip t output { type nat hook output priority -100 ; }
                add rule ip t output jump services
                add chain ip t postrouting { type nat hook postrouting priority 99 ; }
                add rule ip t postrouting ct status dnat ip saddr . ip daddr @hairpin masquerade fully-random
                add rule ip t postrouting ct status dnat ip saddr != 10.42.0.0/16 \
                ip daddr . meta l4proto . th dport @remote masquerade fully-random
                add chain ip t refuse
                add rule ip t refuse ip daddr 10.43.0.0/16 meta l4proto tcp reject with tcp reset
                add rule ip t refuse ip daddr 10.43.0.0/16 reject
                add rule ip t refuse ip daddr . meta l4proto . th dport @refused meta l4proto tcp reject with tcp reset
                add rule ip t refuse ip daddr . meta l4proto . th dport @refused reject
                add rule ip t refuse meta l4proto . th dport @refused-node-ports fib daddr type local \
                meta l4proto tcp reject with tcp reset
                add rule ip t refuse meta l4proto . th dport @refused-node-ports fib daddr type local reject
                add chain ip t refuse-input { type filter hook input priority 0 ; }
                add rule ip t refuse-input ct state new jump refuse
                add chain ip t refuse-forward { type filter hook forward priority 0 ; }
                add rule ip t refuse-forward ct state new jump refuse
                add chain ip t refuse-output { type filter hook output priority 0 ; }
                add rule ip t refuse-output ct state new jump refuse
                """)
    }

    @Test func aServiceIsElementsAndASharedChain() throws {
        var kernel = try Kernel()
        #expect(
            try kernel.update([web: port([endpoint(2), endpoint(3)], nodePort: 30080)]) == """
                add chain ip t node-pick-2
                add rule ip t node-pick-2 dnat ip to meta l4proto . th dport . numgen random mod 2 map @node-endpoints
                add chain ip t pick-2
                add rule ip t pick-2 dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 2 map @endpoints
                add element ip t services { 10.43.0.7 . tcp . 80 : goto pick-2 }
                add element ip t node-ports { tcp . 30080 : goto node-pick-2 }
                add element ip t endpoints { 10.43.0.7 . tcp . 80 . 0 : 10.42.0.2 . 8080, \
                10.43.0.7 . tcp . 80 . 1 : 10.42.0.3 . 8080 }
                add element ip t node-endpoints { tcp . 30080 . 0 : 10.42.0.2 . 8080, \
                tcp . 30080 . 1 : 10.42.0.3 . 8080 }
                add element ip t hairpin { 10.42.0.2 . 10.42.0.2, 10.42.0.3 . 10.42.0.3 }
                """)
        #expect(
            try kernel.update([other: port([endpoint(4), endpoint(5)], last: 8)]) == """
                add element ip t services { 10.43.0.8 . tcp . 80 : goto pick-2 }
                add element ip t endpoints { 10.43.0.8 . tcp . 80 . 0 : 10.42.0.4 . 8080, \
                10.43.0.8 . tcp . 80 . 1 : 10.42.0.5 . 8080 }
                add element ip t hairpin { 10.42.0.4 . 10.42.0.4, 10.42.0.5 . 10.42.0.5 }
                """)
        #expect(try kernel.isAsRebuilt())
    }

    @Test func anEndpointThatGoesMovesTheLastIntoItsSlot() throws {
        var kernel = try Kernel()
        _ = try kernel.update([web: port([endpoint(2), endpoint(3), endpoint(4)])])
        #expect(
            try kernel.update([web: port([endpoint(3), endpoint(4)])]) == """
                add chain ip t pick-2
                add rule ip t pick-2 dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 2 map @endpoints
                delete element ip t services { 10.43.0.7 . tcp . 80 : goto pick-3 }
                delete element ip t endpoints { 10.43.0.7 . tcp . 80 . 0 : 10.42.0.2 . 8080, \
                10.43.0.7 . tcp . 80 . 2 : 10.42.0.4 . 8080 }
                delete element ip t hairpin { 10.42.0.2 . 10.42.0.2 }
                add element ip t services { 10.43.0.7 . tcp . 80 : goto pick-2 }
                add element ip t endpoints { 10.43.0.7 . tcp . 80 . 0 : 10.42.0.4 . 8080 }
                delete chain ip t pick-3
                """)
        #expect(try kernel.isAsRebuilt())
    }

    @Test func nothingChangesNothing() throws {
        var kernel = try Kernel()
        _ = try kernel.update([web: port([endpoint(2), endpoint(3)])])
        #expect(try kernel.update([web: port([endpoint(3), endpoint(2)])]).isEmpty)
        #expect(try kernel.update([other: nil]).isEmpty)
    }

    @Test func whatIsGoneLeavesNothing() throws {
        var kernel = try Kernel()
        let empty = kernel.memory.ruleset(of: "t")
        _ = try kernel.update([web: port([endpoint(2)], nodePort: 30080), other: port([endpoint(2)], last: 8)])
        _ = try kernel.update([web: nil])
        _ = try kernel.update([other: nil])
        #expect(kernel.memory.ruleset(of: "t") == empty)
    }

    @Test func withoutEndpointsANodePortIsRefused() throws {
        var kernel = try Kernel()
        #expect(
            try kernel.update([web: port([endpoint(2, isReady: false)], nodePort: 30080)])
                == "add element ip t refused-node-ports { tcp . 30080 }")
    }

    @Test func terminatingEndpointsServeWhereNothingIsReady() throws {
        var leaving = endpoint(2, isReady: false)
        leaving.isServingWhileTerminating = true
        #expect(port([leaving, endpoint(3, isReady: false)]).usableEndpoints(localOnly: false) == [leaving])
        #expect(port([leaving, endpoint(3)]).usableEndpoints(localOnly: false) == [endpoint(3)])
        #expect(port([endpoint(3, isLocal: false)]).usableEndpoints(localOnly: true).isEmpty)
    }

    @Test func outsideTrafficToOtherNodesIsMasqueraded() throws {
        var kernel = try Kernel()
        let text = try kernel.update([web: port([endpoint(2, isLocal: false)], nodePort: 30080)])
        #expect(text.contains("add element ip t remote { 10.42.0.2 . tcp . 8080 }"))
        var local = port([endpoint(2, isLocal: false), endpoint(3)], nodePort: 30080)
        local.staysLocalOutside = true
        let changed = try kernel.update([web: local])
        #expect(changed.contains("add element ip t node-endpoints { tcp . 30080 . 0 : 10.42.0.3 . 8080 }"))
        #expect(!changed.contains("remote"))
        local.endpoints.removeFirst()
        #expect(
            try kernel.update([web: local]).contains("delete element ip t remote { 10.42.0.2 . tcp . 8080 }"))
        #expect(try kernel.isAsRebuilt())
    }

    @Test func whatStaysLocalIsForThoseOutside() throws {
        var kernel = try Kernel()
        var local = port([endpoint(2, isLocal: false), endpoint(3)], nodePort: 30080)
        local.staysLocalOutside = true
        let text = try kernel.update([web: local])
        #expect(
            text.contains(
                """
                add chain ip t node-pick-1-inside-2
                add rule ip t node-pick-1-inside-2 ip saddr 10.42.0.0/16 \
                dnat ip to meta l4proto . th dport . numgen random mod 2 map @inside-node-endpoints
                add rule ip t node-pick-1-inside-2 fib saddr type local \
                dnat ip to meta l4proto . th dport . numgen random mod 2 map @inside-node-endpoints
                add rule ip t node-pick-1-inside-2 \
                dnat ip to meta l4proto . th dport . numgen random mod 1 map @node-endpoints
                """), "\(text)")
        #expect(text.contains("add element ip t services { 10.43.0.7 . tcp . 80 : goto pick-2 }"))
        local.endpoints.removeLast()
        let without = try kernel.update([web: local])
        #expect(without.contains("add element ip t node-ports { tcp . 30080 : goto node-pick-0-inside-1 }"))
        #expect(without.contains("add element ip t refused-node-ports { tcp . 30080 }"))
        #expect(try kernel.isAsRebuilt())
        local.endpoints = [endpoint(3)]
        #expect(try kernel.update([web: local]).contains("{ tcp . 30080 : goto node-pick-1 }"))
        #expect(try kernel.isAsRebuilt())
    }

    @Test func twoServicesWithOneExternalAddressTakeTurns() throws {
        var kernel = try Kernel()
        let shared = IPv4Address(203, 0, 113, 1)
        var first = port([endpoint(2)])
        first.externalAddresses = [shared]
        var second = port([endpoint(3)], last: 8)
        second.externalAddresses = [shared]
        _ = try kernel.update([other: first])
        let text = try kernel.update([web: second])
        #expect(!text.contains("203.0.113.1"))
        let changed = try kernel.update([other: nil])
        #expect(changed.contains("add element ip t endpoints { 203.0.113.1 . tcp . 80 . 0 : 10.42.0.3 . 8080 }"))
        #expect(try kernel.isAsRebuilt())
    }

    @Test func whoHoldsAFrontendHoldsAllItsSlots() throws {
        var kernel = try Kernel()
        let shared = IPv4Address(203, 0, 113, 1)
        var first = port([endpoint(2), endpoint(3, isLocal: false)])
        first.externalAddresses = [shared]
        var second = port((10...15).map { endpoint($0, isLocal: $0 > 10) }, last: 8)
        second.externalAddresses = [shared]
        second.staysLocalOutside = true
        _ = try kernel.update([web: first])
        _ = try kernel.update([other: second])
        first.endpoints.append(endpoint(4))
        let grown = try kernel.update([web: first])
        #expect(grown.contains("203.0.113.1 . tcp . 80 . 2 : 10.42.0.4 . 8080"), "\(grown)")
        #expect(try kernel.isAsRebuilt())
        first.staysLocalOutside = true
        let local = try kernel.update([web: first])
        #expect(
            local.contains("add element ip t services { 203.0.113.1 . tcp . 80 : goto pick-2-inside-3 }"), "\(local)")
        let slots = (0..<3).map { "203.0.113.1 . tcp . 80 . \($0) : 10.42.0.\($0 + 2) . 8080" }.joined(separator: ", ")
        #expect(local.contains("add element ip t inside-endpoints { \(slots) }"), "\(local)")
        #expect(try kernel.isAsRebuilt())
        first.endpoints = []
        _ = try kernel.update([web: first])
        first.endpoints = [endpoint(2)]
        let back = try kernel.update([web: first])
        #expect(back.contains("203.0.113.1 . tcp . 80 : goto pick-1 }"), "\(back)")
        #expect(back.contains("203.0.113.1 . tcp . 80 . 0 : 10.42.0.2 . 8080"), "\(back)")
        #expect(try kernel.isAsRebuilt())
    }

    @Test func affinityRemembersClients() throws {
        var kernel = try Kernel()
        var sticky = port([endpoint(2), endpoint(3)])
        sticky.affinitySeconds = 60
        let text = try kernel.update([web: sticky])
        #expect(text.contains("add element ip t services { 10.43.0.7 . tcp . 80 : goto sticky-60-2 }"))
        #expect(text.contains("add element ip t affine { 10.43.0.7 . tcp . 80 . 10.42.0.2 . 8080, "))
        #expect(try kernel.isAsRebuilt())
        #expect(try kernel.update([web: nil]).contains("delete set ip t clients-60"))
    }

    @Test(arguments: [1, 2, 3]) func randomChangesLeadToWhatARebuildMakes(seed: UInt64) throws {
        var kernel = try Kernel()
        var random = SplitMix(state: seed)
        for _ in 0..<200 {
            let name = ProxiedPortName(namespace: "n", service: "s\(random.next() % 6)", port: "")
            let endpoints = (0..<UInt8(random.next() % 5)).map { _ in
                endpoint(UInt8(2 + random.next() % 8), isLocal: random.next() % 2 == 0)
            }
            var port: ProxiedPort? = port(
                endpoints, nodePort: random.next() % 2 == 0 ? UInt16(30000 + random.next() % 4) : nil,
                last: UInt8(1 + random.next() % 4))
            if random.next() % 4 == 0 { port?.affinitySeconds = 60 }
            if random.next() % 3 == 0 { port?.staysLocalOutside = true }
            if random.next() % 5 == 0 { port = nil }
            _ = try kernel.update([name: port])
        }
        #expect(try kernel.isAsRebuilt())
    }
}

private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
