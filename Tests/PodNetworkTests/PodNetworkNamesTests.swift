import Linux
import Testing

@testable import PodNetwork

@Suite struct PodNetworkNamesTests {
    @Test func namesFitLinks() throws {
        let name = try #require(InstanceName("ab12cd"))
        #expect(name.podLink(offset: 0xffff) == "sw-ab12cd-pffff")
        #expect(name.podLink(offset: 0xffff).utf8.count <= RouteSocket.longestLinkName)
        #expect(InstanceName("") == nil)
        #expect(InstanceName("toolong") == nil)
        #expect(InstanceName("A-") == nil)
    }

    @Test func refusesNetworksThatCannotWork() throws {
        let name = try #require(InstanceName("ab"))
        func check(_ pods: String, _ cluster: String, _ services: String) throws {
            let configuration = PodNetworkConfiguration(
                instance: name, podNetwork: try #require(IPv4Network(pods)),
                clusterNetwork: try #require(IPv4Network(cluster)),
                serviceNetwork: try #require(IPv4Network(services)), stateDirectory: "/nowhere")
            try configuration.check()
        }
        try check("10.42.0.0/24", "10.42.0.0/16", "10.43.0.0/16")
        #expect(throws: PodNetworkError.self) { try check("10.42.0.0/30", "10.42.0.0/16", "10.43.0.0/16") }
        #expect(throws: PodNetworkError.self) { try check("10.44.0.0/24", "10.42.0.0/16", "10.43.0.0/16") }
        #expect(throws: PodNetworkError.self) { try check("10.42.0.0/24", "10.42.0.0/16", "10.42.0.0/16") }
    }

    @Test func rulesReadLikeAFile() throws {
        let configuration = PodNetworkConfiguration(
            instance: try #require(InstanceName("ab")), podNetwork: try #require(IPv4Network("10.42.0.0/24")),
            clusterNetwork: try #require(IPv4Network("10.42.0.0/16")),
            serviceNetwork: try #require(IPv4Network("10.43.0.0/16")), stateDirectory: "/nowhere")
        let stray = #"ip daddr 10.42.0.0/24 oifname != "sw-ab-*" ct status & dnat == 0 fib daddr type != local"#
        #expect(
            PodRules(configuration: configuration).transaction.description == """
                add table ip swiftlet-ab
                delete table ip swiftlet-ab
                add table ip swiftlet-ab
                add chain ip swiftlet-ab postrouting { type nat hook postrouting priority 100 ; }
                add rule ip swiftlet-ab postrouting ip saddr 10.42.0.0/24 ip daddr != 10.42.0.0/16 \
                ip daddr != 224.0.0.0/4 oifname != "sw-ab-*" masquerade fully-random
                add chain ip swiftlet-ab forward { type filter hook forward priority 0 ; }
                add rule ip swiftlet-ab forward \(stray) meta l4proto tcp reject with tcp reset
                add rule ip swiftlet-ab forward \(stray) reject
                add chain ip swiftlet-ab output { type filter hook output priority 0 ; }
                add rule ip swiftlet-ab output \(stray) meta l4proto tcp reject with tcp reset
                add rule ip swiftlet-ab output \(stray) reject
                """)
    }
}
