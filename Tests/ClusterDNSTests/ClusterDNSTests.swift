import Client
import KubernetesAPI
import Linux
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import ClusterDNS

private let loopback = IPv4Address(127, 0, 0, 1)
/// No server here is silent: how long a busy machine takes is not looked at.
private let patience = TimeAmount.minutes(5)

/// Servers on loopback, asked as a client would.
@Suite struct ClusterDNSTests {
    private let group = MultiThreadedEventLoopGroup.singleton

    private func server(
        _ domain: String, upstream: @escaping @Sendable () -> UpstreamServers = { UpstreamServers([]) }
    ) throws -> ClusterDNS {
        ClusterDNS(
            domain: try #require(DNSName(domain)), group: group, logger: Logger(label: "test"), patience: patience,
            upstream: upstream)
    }

    private func ask(_ port: Int, _ query: [UInt8], byStream: Bool) async throws -> [UInt8] {
        let client = Forwarder(patience: patience) { UpstreamServers([.init(host: "127.0.0.1", port: port)]) }
        return try await client.ask(query, byStream: byStream, on: group.next()).get()
    }

    private func records(_ answer: [UInt8], after query: [UInt8]) -> [DNSRecord] {
        var reader = DNSReader(answer)
        reader.offset = query.count
        var records: [DNSRecord] = []
        while let record = reader.record() { records.append(record) }
        return records
    }

    @Test(arguments: [false, true]) func answersAndForwards(byStream: Bool) async throws {
        let outside = try server("example.com")
        outside.set(
            ServiceNames(namespace: "ns", name: "www", kind: .cluster(IPv4Address(192, 0, 2, 80), ports: [])),
            namespace: "ns", name: "www")
        let outsidePort = try await outside.start(on: loopback, port: 0)
        let inside = try server("cluster.local") { UpstreamServers([.init(host: "127.0.0.1", port: outsidePort)]) }
        inside.set(
            ServiceNames(namespace: "ns", name: "web", kind: .cluster(IPv4Address(10, 43, 0, 7), ports: [])),
            namespace: "ns", name: "web")
        inside.set(
            ServiceNames(
                namespace: "ns", name: "out", kind: .external(try #require(DNSName("www.ns.svc.example.com")))),
            namespace: "ns", name: "out")
        let port = try await inside.start(on: loopback, port: 0)

        let web = try packet("web.ns.svc.cluster.local", .a, id: 9)
        #expect(
            records(try await ask(port, web, byStream: byStream), after: web).map(\.data)
                == [.address(IPv4Address(10, 43, 0, 7))])
        let www = try packet("www.ns.svc.example.com", .a, id: 10)
        #expect(
            records(try await ask(port, www, byStream: byStream), after: www).map(\.data)
                == [.address(IPv4Address(192, 0, 2, 80))])
        let out = try packet("out.ns.svc.cluster.local", .a, id: 11)
        #expect(
            records(try await ask(port, out, byStream: byStream), after: out).map(\.data) == [
                .alias(try #require(DNSName("www.ns.svc.example.com"))), .address(IPv4Address(192, 0, 2, 80)),
            ])
        await inside.stop()
        await outside.stop()
    }

    @Test func withoutServersOutsideNamesFail() async throws {
        let alone = try server("cluster.local")
        let port = try await alone.start(on: loopback, port: 0)
        let answer = try await ask(port, packet("example.com", .a), byStream: false)
        #expect(answer[3] & 0xf == DNSResponseCode.serverFailure.rawValue)
        await alone.stop()
    }

    @Test func aPortInUseIsNamed() async throws {
        let first = try server("cluster.local")
        let port = try await first.start(on: loopback, port: 0)
        let second = try server("cluster.local")
        await #expect { try await second.start(on: loopback, port: port) } throws: {
            "\($0)".hasPrefix("name server on 127.0.0.1:\(port): ")
        }
        await first.stop()
    }
}

@Suite struct ServiceNamesTests {
    @Test func readsServicesAndSlices() throws {
        let service = Service {
            $0.metadata.namespace = "default"
            $0.metadata.name = "db"
            $0.spec.clusterIP = "None"
        }
        let slice = EndpointSlice {
            $0.addressType = "IPv4"
            $0.ports = [
                EndpointPort {
                    $0.name = "sql"
                    $0.port = 5432
                }
            ]
            $0.endpoints = [
                Endpoint {
                    $0.addresses = ["10.42.0.2"]
                    $0.hostname = "db-0"
                },
                Endpoint {
                    $0.addresses = ["10.42.0.3"]
                    $0.conditions.ready = false
                },
            ]
        }
        let port = NamedPort(name: "sql", transport: "tcp", port: 5432)
        #expect(
            ServiceNames.of(service, slices: [slice])?.kind
                == .headless([.init(IPv4Address(10, 42, 0, 2), hostname: "db-0", ports: [port])]))
        var all = service
        all.spec.publishNotReadyAddresses = true
        guard case .headless(let endpoints)? = ServiceNames.of(all, slices: [slice])?.kind else { throw Unexpected() }
        #expect(endpoints.count == 2)
    }

    @Test func aServiceWithoutAnAddressHasNoNamesYet() {
        #expect(ServiceNames.of(Service(), slices: []) == nil)
    }
}
