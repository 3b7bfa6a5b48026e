import Client
import KubernetesAPI
import Linux
import Testing

@testable import KubeProxy

private func service(_ build: (inout ServiceSpec) -> Void) -> Service {
    Service {
        $0.metadata.namespace = "default"
        $0.metadata.name = "web"
        $0.spec.clusterIP = "10.43.0.7"
        $0.spec.ports = [
            ServicePort {
                $0.name = "http"
                $0.port = 80
                $0.nodePort = 30080
            }
        ]
        build(&$0.spec)
    }
}

private func endpoint(_ address: String, node: String = "here", ready: Bool? = nil, leaving: Bool? = nil) -> Endpoint {
    Endpoint {
        $0.addresses = [address]
        $0.nodeName = node
        $0.conditions.ready = ready
        $0.conditions.serving = leaving
        $0.conditions.terminating = leaving
    }
}

private func slice(_ endpoints: [Endpoint], port: String = "http") -> EndpointSlice {
    EndpointSlice {
        $0.metadata.namespace = "default"
        $0.metadata.name = "web-1"
        $0.metadata.labels = [EndpointSlice.serviceNameLabel: "web"]
        $0.addressType = "IPv4"
        $0.ports = [
            EndpointPort {
                $0.name = port
                $0.port = 8080
            }
        ]
        $0.endpoints = endpoints
    }
}

private let name = ProxiedPortName(namespace: "default", service: "web", port: "http")

@Suite struct ProxiedPortTests {
    @Test func readsAServiceAndItsSlices() throws {
        let ports = ProxiedPort.ports(
            of: service {
                $0.type = "NodePort"
                $0.externalIPs = ["203.0.113.1", "2001:db8::1"]
            },
            slices: [
                slice([endpoint("10.42.0.2"), endpoint("10.42.1.2", node: "there", ready: false, leaving: true)])
            ],
            node: "here")
        let port = try #require(ports[name])
        #expect(port.clusterAddress == IPv4Address(10, 43, 0, 7))
        #expect(port.nodePort == 30080)
        #expect(port.externalAddresses == [IPv4Address(203, 0, 113, 1)])
        #expect(
            port.endpoints == [
                ProxiedEndpoint(IPv4Address(10, 42, 0, 2), 8080),
                ProxiedEndpoint(
                    IPv4Address(10, 42, 1, 2), 8080, isReady: false, isServingWhileTerminating: true, isLocal: false),
            ])
    }

    @Test func headlessAndExternalServicesHaveNoRules() {
        #expect(ProxiedPort.ports(of: service { $0.clusterIP = "None" }, slices: [], node: "here").isEmpty)
        #expect(ProxiedPort.ports(of: service { $0.type = "ExternalName" }, slices: [], node: "here").isEmpty)
    }

    @Test(arguments: ["service.kubernetes.io/headless", "service.kubernetes.io/service-proxy-name"])
    func labelsExemptServicesAndSlices(label: String) throws {
        var exempt = service { _ in }
        exempt.metadata.labels[label] = "other"
        var foreign = slice([endpoint("10.42.0.2")])
        #expect(ProxiedPort.ports(of: exempt, slices: [foreign], node: "here").isEmpty)
        foreign.metadata.labels[label] = "other"
        let ports = ProxiedPort.ports(
            of: service { _ in }, slices: [foreign, slice([endpoint("10.42.0.3")])], node: "here")
        #expect(try #require(ports[name]).endpoints.map { $0.address } == [IPv4Address(10, 42, 0, 3)])
    }

    @Test func aClusterServiceHasNoNodePort() throws {
        let ports = ProxiedPort.ports(of: service { _ in }, slices: [slice([endpoint("10.42.0.2")])], node: "here")
        #expect(try #require(ports[name]).nodePort == nil)
    }

    @Test func affinityHasADefaultDuration() throws {
        let ports = ProxiedPort.ports(of: service { $0.sessionAffinity = "ClientIP" }, slices: [], node: "here")
        #expect(try #require(ports[name]).affinitySeconds == 10_800)
    }

    @Test func otherPortsAndBadAddressesAreLeftOut() throws {
        let ports = ProxiedPort.ports(
            of: service { _ in },
            slices: [slice([endpoint("10.42.0.2")], port: "metrics"), slice([endpoint("nonsense")])],
            node: "here")
        #expect(try #require(ports[name]).endpoints.isEmpty)
    }
}

@Suite struct StaleConnectionsTests {
    private let client = IPv4Address(10, 42, 0, 9)
    private let address = IPv4Address(10, 43, 0, 10)

    private func flow(
        _ destination: IPv4Address, _ port: UInt16, from source: IPv4Address? = nil, to reply: IPv4Address
    ) -> TrackedConnection {
        TrackedConnection(
            transport: 17, source: source ?? client, destination: destination, destinationPort: port,
            replySource: reply, replySourcePort: 5353)
    }

    @Test func onlyFlowsToFormerEndpointsAreStale() throws {
        var table = ServiceTable(
            rules: ServiceRules(
                table: "t", serviceNetwork: try #require(IPv4Network("10.43.0.0/16")),
                clusterNetwork: try #require(IPv4Network("10.42.0.0/16"))))
        let gone = IPv4Address(10, 42, 0, 2)
        let stays = IPv4Address(10, 42, 0, 3)
        var port = ProxiedPort(transport: .udp, port: 53, clusterAddress: address)
        port.nodePort = 30053
        port.endpoints = [ProxiedEndpoint(gone, 5353), ProxiedEndpoint(stays, 5353)]
        _ = table.update([name: port])
        let before = table.contributions
        port.endpoints.removeFirst()
        _ = table.update([name: port])
        let stale = table.staleConnections([name], before: before)
        #expect(stale.contains(flow(address, 53, to: gone)))
        #expect(!stale.contains(flow(address, 53, to: stays)))
        #expect(stale.contains(flow(IPv4Address(192, 0, 2, 1), 30053, to: gone)))
        let elsewhere = IPv4Address(198, 51, 100, 1)
        #expect(!stale.contains(flow(elsewhere, 30053, to: elsewhere)))
        #expect(!stale.contains(flow(elsewhere, 53, to: gone)))
    }

    @Test func flowsFromOutsideLeaveOtherNodesWhereTrafficNowStaysLocal() throws {
        var table = ServiceTable(
            rules: ServiceRules(
                table: "t", serviceNetwork: try #require(IPv4Network("10.43.0.0/16")),
                clusterNetwork: try #require(IPv4Network("10.42.0.0/16"))))
        let here = IPv4Address(10, 42, 0, 2)
        let elsewhere = IPv4Address(10, 42, 1, 2)
        let external = IPv4Address(203, 0, 113, 1)
        let outside = IPv4Address(192, 0, 2, 2)
        let node = IPv4Address(192, 0, 2, 1)
        var port = ProxiedPort(transport: .udp, port: 53, clusterAddress: address)
        port.nodePort = 30053
        port.externalAddresses = [external]
        port.endpoints = [ProxiedEndpoint(here, 5353), ProxiedEndpoint(elsewhere, 5353, isLocal: false)]
        _ = table.update([name: port])
        let before = table.contributions
        port.staysLocalOutside = true
        _ = table.update([name: port])
        let stale = table.staleConnections([name], before: before)
        for (destination, number) in [(external, UInt16(53)), (node, 30053)] {
            #expect(stale.contains(flow(destination, number, from: outside, to: elsewhere)))
            #expect(!stale.contains(flow(destination, number, from: outside, to: here)))
            #expect(!stale.contains(flow(destination, number, to: elsewhere)))
        }
        #expect(!stale.contains(flow(address, 53, from: outside, to: elsewhere)))
    }

    @Test func nothingIsStaleWhereNothingChanged() throws {
        var table = ServiceTable(
            rules: ServiceRules(
                table: "t", serviceNetwork: try #require(IPv4Network("10.43.0.0/16")),
                clusterNetwork: try #require(IPv4Network("10.42.0.0/16"))))
        var port = ProxiedPort(transport: .udp, port: 53, clusterAddress: address)
        port.endpoints = [ProxiedEndpoint(IPv4Address(10, 42, 0, 2), 5353)]
        _ = table.update([name: port])
        let before = table.contributions
        _ = table.update([name: port])
        #expect(table.staleConnections([name], before: before).isEmpty)
    }
}
