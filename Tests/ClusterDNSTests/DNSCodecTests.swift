import Linux
import Testing

@testable import ClusterDNS

@Suite struct DNSCodecTests {
    @Test func readsAQueryWithOptions() throws {
        let query = try DNSQuery.parse(packet("Web.default", .srv, id: 7, datagramSize: 4096)).get()
        #expect(query.id == 7)
        #expect(query.name == DNSName("web.default"))
        #expect(query.type == .srv)
        #expect(query.isRecursionDesired)
        #expect(query.datagramSize == 4096)
        #expect(DNSResponse.datagramLimit(query) == 1232)
    }

    @Test func responsesAndScrapsAreIgnored() throws {
        #expect(DNSQuery.parse([]) == .failure(.ignore))
        #expect(DNSQuery.parse([0, 1, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0]) == .failure(.ignore))
        #expect(DNSQuery.parse([0, 9, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0]) == .failure(.malformed(id: 9)))
    }

    @Test func namesThatPointInCirclesAreRefused() {
        var toItself = DNSReader([0xc0, 0x00])
        #expect(toItself.name() == nil)
        var back = DNSReader([0x01, 0x61, 0xc0, 0x00])
        #expect(back.name() == nil)
        var forward = DNSReader([0xc0, 0x02, 0x00])
        #expect(forward.name() == nil)
        var open = DNSReader([0x05, 0x61])
        #expect(open.name() == nil)
        var reserved = DNSReader([0x80, 0x00])
        #expect(reserved.name() == nil)
    }

    @Test func longNamesAreRefused() {
        let label: [UInt8] = [63] + Array(repeating: 0x61, count: 63)
        var tooLong = DNSReader(label + label + label + label + [0])
        #expect(tooLong.name() == nil)
        var long = DNSReader(label + label + label + [0])
        #expect(long.name()?.labels.count == 3)
        #expect(DNSName("a..b") == nil)
        #expect(DNSName(String(repeating: "a", count: 64)) == nil)
        #expect(DNSName("a.b.")?.labels == ["a", "b"])
    }

    @Test func whatIsWrittenReadsBack() throws {
        let name = try #require(DNSName("web.default.svc.cluster.local"))
        let query = try DNSQuery.parse(packet("web.default.svc.cluster.local", .a, id: 3)).get()
        var response = DNSResponse()
        response.answers = [
            DNSRecord(name, ttl: 5, .address(IPv4Address(10, 43, 0, 7))),
            DNSRecord(name, ttl: 5, .alias(name.prefixed("db"))),
            DNSRecord(name, ttl: 5, .other(.aaaa, Array(repeating: 1, count: 16))),
        ]
        let bytes = response.bytes(for: query, limit: 512)
        #expect(Array(bytes.prefix(8)) == [0, 3, 0x85, 0x80, 0, 1, 0, 3])
        var reader = DNSReader(bytes)
        reader.offset = 12 + query.question.count
        var read: [DNSRecord] = []
        while let record = reader.record() { read.append(record) }
        #expect(read == response.answers)
        #expect(reader.offset == bytes.count)
    }

    @Test func theQuestionKeepsItsSpelling() throws {
        let query = try DNSQuery.parse(packet("wEb.DeFault", .a)).get()
        let bytes = DNSResponse().bytes(for: query, limit: 512)
        #expect(Array(bytes.dropFirst(12)) == query.question)
    }

    @Test func whatDoesNotFitIsMarked() throws {
        let name = try #require(DNSName("db"))
        let query = try DNSQuery.parse(packet("db", .a)).get()
        var response = DNSResponse()
        response.answers = (0..<100).map { DNSRecord(name, ttl: 5, .address(IPv4Address(10, 42, 0, UInt8($0)))) }
        let cut = response.bytes(for: query, limit: 512)
        #expect(cut.count <= 512)
        #expect(cut[2] & 0x02 != 0)
        let whole = response.bytes(for: query, limit: 65535)
        #expect(whole[2] & 0x02 == 0)
        #expect(whole.count > 1600)
    }

    @Test func labelsThatAreNoTextKeepTheOffsets() throws {
        var bytes = try packet("xx.db", .a)
        bytes[13] = 0xff
        bytes[14] = 0xfe
        let query = try DNSQuery.parse(bytes).get()
        var response = DNSResponse()
        response.answers = [DNSRecord(try #require(DNSName("db")), ttl: 5, .address(IPv4Address(1)))]
        let written = response.bytes(for: query, limit: 512)
        var reader = DNSReader(written)
        reader.offset = 12 + query.question.count
        #expect(reader.record() == response.answers.first)
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func noBytesTrap(seed: UInt64) throws {
        var state = seed
        func next() -> UInt8 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
        let resolver = Resolver(records: DNSRecords(domain: try #require(DNSName("cluster.local"))))
        let base = try packet("_http._tcp.web.default.svc.cluster.local", .srv, datagramSize: 1232)
        for _ in 0..<2_000 {
            var bytes = base
            for _ in 0..<Int(next() % 8) { bytes[Int(next()) % bytes.count] = next() }
            bytes = Array(bytes.prefix(Int(next()) % (bytes.count + 1)))
            if case .success(let query) = DNSQuery.parse(bytes), case .answer(let response) = resolver.resolve(query) {
                #expect(response.bytes(for: query, limit: 512).count <= 512)
            }
            _ = QueryAnswerer.join([], bytes)
        }
    }

    @Test func readsTheHostsServers() {
        let text =
            "# comment\nsearch example.com\nnameserver 10.42.0.1\nnameserver\t192.0.2.53 \nnameserver 127.0.0.53\n"
        let servers = UpstreamServers(resolvConf: text, excluding: IPv4Address(10, 42, 0, 1))
        #expect(servers.servers.map(\.host) == ["192.0.2.53", "127.0.0.53"])
    }

    @Test func joinsAliasesAndForeignAnswers() throws {
        let target = try #require(DNSName("example.com"))
        let query = try DNSQuery.parse(QueryAnswerer.question(target, DNSQuery.parse(packet("x", .a)).get())).get()
        var foreign = DNSResponse()
        foreign.answers = [DNSRecord(target, ttl: 60, .address(IPv4Address(93, 184, 216, 34)))]
        let alias = DNSRecord(try #require(DNSName("out.default.svc.cluster.local")), ttl: 5, .alias(target))
        let joined = QueryAnswerer.join([alias], foreign.bytes(for: query, limit: 512))
        #expect(joined.answers == [alias] + foreign.answers)
        #expect(joined.code == .noError)
    }
}
