import Linux
import Testing

@testable import ClusterDNS

private func records() throws -> DNSRecords {
    var records = DNSRecords(domain: try #require(DNSName("cluster.local")))
    let http = NamedPort(name: "http", transport: "tcp", port: 80)
    func set(_ name: String, _ kind: ServiceNames.Kind) {
        records.set(
            ServiceNames(namespace: "default", name: name, kind: kind), namespace: "default", name: name)
    }
    set("web", .cluster(IPv4Address(10, 43, 0, 7), ports: [http]))
    set(
        "db",
        .headless([
            .init(IPv4Address(10, 42, 0, 2), hostname: "db-0", ports: [http]),
            .init(IPv4Address(10, 42, 0, 3), ports: [http]),
        ]))
    set("empty", .headless([]))
    set("out", .external(try #require(DNSName("example.com"))))
    set("again", .external(try #require(DNSName("web.default.svc.cluster.local"))))
    set("loop", .external(try #require(DNSName("loop.default.svc.cluster.local"))))
    return records
}

private func query(_ name: String, _ type: DNSType, id: UInt16 = 0) throws -> DNSQuery {
    try DNSQuery.parse(packet(name, type, id: id)).get()
}

private func answers(_ name: String, _ type: DNSType, id: UInt16 = 0) throws -> [String] {
    guard case .answer(let response) = Resolver(records: try records()).resolve(try query(name, type, id: id)) else {
        return ["forward"]
    }
    return response.code == .noError ? response.answers.map { "\($0.name) \($0.data.text)" } : ["\(response.code)"]
}

extension DNSData {
    fileprivate var text: String {
        switch self {
        case .address(let address): "A \(address)"
        case .alias(let name): "CNAME \(name)"
        case .pointer(let name): "PTR \(name)"
        case .nameServer(let name): "NS \(name)"
        case .service(_, _, let port, let target): "SRV \(port) \(target)"
        case .text(let text): "TXT \(text)"
        case .authority: "SOA"
        case .other(let type, _): "TYPE\(type.number)"
        }
    }
}

@Suite struct ResolverTests {
    @Test func servicesHaveTheirAddress() throws {
        #expect(try answers("web.default.svc.cluster.local", .a) == ["web.default.svc.cluster.local. A 10.43.0.7"])
        #expect(try answers("WEB.Default.svc.CLUSTER.local", .a) == ["web.default.svc.cluster.local. A 10.43.0.7"])
        #expect(try answers("web.default.svc.cluster.local", .aaaa).isEmpty)
        #expect(try answers("web.other.svc.cluster.local", .a) == ["noSuchName"])
        #expect(try answers("nothing.default.svc.cluster.local", .a) == ["noSuchName"])
    }

    @Test func namesBetweenExistWithoutContent() throws {
        #expect(try answers("default.svc.cluster.local", .a).isEmpty)
        #expect(try answers("svc.cluster.local", .a).isEmpty)
        #expect(try answers("other.svc.cluster.local", .a) == ["noSuchName"])
        #expect(try answers("cluster.local", .soa) == ["cluster.local. SOA"])
        #expect(try answers("example.com.cluster.local", .a) == ["noSuchName"])
    }

    @Test func headlessServicesHaveTheirEndpoints() throws {
        let name = "db.default.svc.cluster.local"
        #expect(try answers(name, .a) == ["\(name). A 10.42.0.2", "\(name). A 10.42.0.3"])
        #expect(try answers("db-0.\(name)", .a) == ["db-0.\(name). A 10.42.0.2"])
        #expect(try answers("10-42-0-3.\(name)", .a) == ["10-42-0-3.\(name). A 10.42.0.3"])
        #expect(try answers("db-1.\(name)", .a) == ["noSuchName"])
        #expect(try answers("empty.default.svc.cluster.local", .a) == ["noSuchName"])
    }

    @Test func queriesTakeTurnsAmongEndpoints() throws {
        let name = "db.default.svc.cluster.local"
        let first = try Set((0..<8).compactMap { try answers(name, .a, id: $0).first })
        #expect(first.count == 2)
    }

    @Test func namedPortsHaveServiceRecords() throws {
        let web = "web.default.svc.cluster.local"
        #expect(try answers("_http._tcp.\(web)", .srv) == ["_http._tcp.\(web). SRV 80 \(web)."])
        #expect(try answers("_http._udp.\(web)", .srv) == ["noSuchName"])
        let db = "db.default.svc.cluster.local"
        #expect(
            try answers("_http._tcp.\(db)", .srv) == [
                "_http._tcp.\(db). SRV 80 db-0.\(db).", "_http._tcp.\(db). SRV 80 10-42-0-3.\(db).",
            ])
        guard
            case .answer(let response) = Resolver(records: try records()).resolve(try query("_http._tcp.\(db)", .srv))
        else { throw Unexpected() }
        #expect(
            response.additionals.map(\.data) == [
                .address(IPv4Address(10, 42, 0, 2)), .address(IPv4Address(10, 42, 0, 3)),
            ])
    }

    @Test func podsHaveTheirAddress() throws {
        let name = "10-42-0-9.default.pod.cluster.local"
        #expect(try answers(name, .a) == ["\(name). A 10.42.0.9"])
        #expect(try answers("web.default.pod.cluster.local", .a) == ["noSuchName"])
        #expect(try answers("10-42-0-999.default.pod.cluster.local", .a) == ["noSuchName"])
    }

    @Test func addressesHaveNames() throws {
        #expect(
            try answers("7.0.43.10.in-addr.arpa", .ptr) == [
                "7.0.43.10.in-addr.arpa. PTR web.default.svc.cluster.local."
            ])
        #expect(
            try answers("2.0.42.10.in-addr.arpa", .ptr)
                == ["2.0.42.10.in-addr.arpa. PTR db-0.db.default.svc.cluster.local."])
        #expect(try answers("9.9.9.9.in-addr.arpa", .ptr) == ["forward"])
    }

    @Test func namesOutsideAreForwarded() throws {
        #expect(try answers("example.com", .a) == ["forward"])
        #expect(try answers("notcluster.local", .a) == ["forward"])
    }

    @Test func externalServicesAreAliases() throws {
        let resolver = Resolver(records: try records())
        let alias = DNSRecord(
            try #require(DNSName("out.default.svc.cluster.local")), ttl: 5,
            .alias(try #require(DNSName("example.com"))))
        #expect(
            resolver.resolve(try query("out.default.svc.cluster.local", .a))
                == .alias(try #require(DNSName("example.com")), [alias]))
        #expect(
            try answers("again.default.svc.cluster.local", .a) == [
                "again.default.svc.cluster.local. CNAME web.default.svc.cluster.local.",
                "web.default.svc.cluster.local. A 10.43.0.7",
            ])
        #expect(try answers("loop.default.svc.cluster.local", .a) == ["serverFailure"])
    }

    @Test func whatIsMissingSaysForHowLong() throws {
        let name = "nothing.default.svc.cluster.local"
        guard case .answer(let response) = Resolver(records: try records()).resolve(try query(name, .a)) else {
            throw Unexpected()
        }
        #expect(response.authorities.map(\.data.type) == [.soa])
        #expect(response.authorities.first?.ttl == 5)
    }

    @Test func deletedServicesAreGone() throws {
        var records = try records()
        records.set(nil, namespace: "default", name: "web")
        let resolver = Resolver(records: records)
        guard case .answer(let response) = resolver.resolve(try query("web.default.svc.cluster.local", .a)) else {
            throw Unexpected()
        }
        #expect(response.code == .noSuchName)
        #expect(resolver.resolve(try query("7.0.43.10.in-addr.arpa", .ptr)) == .forward)
    }
}

struct Unexpected: Error {}

/// A query's bytes.
func packet(_ name: String, _ type: DNSType, id: UInt16 = 0, datagramSize: UInt16? = nil) throws -> [UInt8] {
    var writer = DNSWriter()
    writer.uint16(id)
    writer.uint16(0x0100)
    for count: UInt16 in [1, 0, 0, datagramSize == nil ? 0 : 1] { writer.uint16(count) }
    var bytes = writer.bytes
    for label in name.split(separator: ".") {
        bytes.append(UInt8(label.utf8.count))
        bytes += label.utf8
    }
    bytes += [0, UInt8(type.number >> 8), UInt8(type.number & 0xff), 0, 1]
    if let datagramSize {
        var options = DNSWriter()
        options.options(datagramSize: datagramSize)
        bytes += options.bytes
    }
    return bytes
}
