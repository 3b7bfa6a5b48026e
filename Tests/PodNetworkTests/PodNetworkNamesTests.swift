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
            PodRules(configuration: configuration, hostPorts: HostPortTable()).transaction.description == """
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
                add map ip swiftlet-ab host-ports { typeof meta l4proto . th dport : ip daddr . th dport ; }
                add map ip swiftlet-ab host-ports-of-address { typeof ip daddr . meta l4proto . th dport : \
                ip daddr . th dport ; }
                add set ip swiftlet-ab host-port-hairpin { typeof ip daddr . ip daddr ; }
                add chain ip swiftlet-ab loopback { type filter hook prerouting priority -300 ; }
                add rule ip swiftlet-ab loopback iifname "sw-ab-*" ip daddr 127.0.0.0/8 drop
                add rule ip swiftlet-ab loopback iifname "sw-ab-*" ip saddr 127.0.0.0/8 drop
                add chain ip swiftlet-ab host-ports
                add rule ip swiftlet-ab host-ports dnat ip to ip daddr . meta l4proto . th dport map @host-ports-of-address
                add rule ip swiftlet-ab host-ports ip daddr != 10.42.0.1/32 fib daddr type local \
                dnat ip to meta l4proto . th dport map @host-ports
                add chain ip swiftlet-ab host-ports-prerouting { type nat hook prerouting priority -99 ; }
                add rule ip swiftlet-ab host-ports-prerouting jump host-ports
                add chain ip swiftlet-ab host-ports-output { type nat hook output priority -99 ; }
                add rule ip swiftlet-ab host-ports-output jump host-ports
                add chain ip swiftlet-ab host-ports-postrouting { type nat hook postrouting priority 98 ; }
                add rule ip swiftlet-ab host-ports-postrouting ct status dnat ip saddr 127.0.0.0/8 \
                oifname "sw-ab-*" snat to 10.42.0.1
                add rule ip swiftlet-ab host-ports-postrouting ct status dnat ip saddr . ip daddr @host-port-hairpin \
                masquerade fully-random
                """)
    }
}

@Suite struct PodNetworkInventoryTests {
    /// A link's owner is known whatever size the node's pod network has.
    @Test func aLinkIsThatOfTheAddressThatItIsNamedFor() throws {
        let name = try #require(InstanceName("abc"))
        #expect(name.isLink("sw-abc-p5", of: IPv4Address(10, 42, 0, 5)))
        #expect(name.isLink("sw-abc-p105", of: IPv4Address(10, 42, 1, 5)))
        #expect(name.isLink("sw-abc-p5", of: IPv4Address(10, 42, 1, 5)))
        #expect(!name.isLink("sw-abc-p6", of: IPv4Address(10, 42, 0, 5)))
        #expect(!name.isLink("sw-abc-n", of: IPv4Address(10, 42, 0, 5)))
        #expect(!name.isLink("sw-abc-px", of: IPv4Address(10, 42, 0, 5)))
    }

    @Test func straysAreWhatNoLivingSandboxHolds() throws {
        let name = try #require(InstanceName("abc"))
        let (living, dead) = (IPv4Address(10, 42, 0, 5), IPv4Address(10, 42, 0, 6))
        let inventory = PodNetworkInventory(
            owned: OwnedNetworkObjects(links: ["sw-abc-n", "sw-abc-p5", "sw-abc-p6"], tables: ["swiftlet-abc"]),
            held: [.init(sandbox: "a", address: living), .init(sandbox: "b", address: dead)], routed: [living],
            forwarded: [dead])
        #expect(
            inventory.strays(instance: name, holders: ["a"]) == [
                .link("sw-abc-p6"), .address(dead, sandbox: "b"), .forward(dead),
            ])
        #expect(inventory.strays(instance: name, holders: ["a", "b"]) == [])
        #expect(inventory.missing(living, of: "a", instance: name).isEmpty)
        #expect(inventory.missing(dead, of: "a", instance: name) == ["its address", "its route"])
    }
}
