import APIMachinery
import HTTP
import JSONTree
import Testing

/// Bodies as kubectl's typed clients send them.
@Suite struct ProtobufTests {
    private let type: HTTPHeaders = ["Content-Type": "application/vnd.kubernetes.protobuf"]

    private func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        [number << 3 | 2, UInt8(bytes.count)] + bytes
    }

    private func text(_ number: UInt8, _ text: String) -> [UInt8] {
        field(number, Array(text.utf8))
    }

    private func body(_ kind: String, _ object: [UInt8]) -> [UInt8] {
        Array("k8s\0".utf8) + field(1, text(1, "v1") + text(2, kind)) + field(2, object) + text(3, "") + text(4, "")
    }

    private func post(_ api: TestServer, _ body: [UInt8]) async throws -> Answer {
        let request = HTTPRequest(.post, Path.maps, headers: type, body: body, peer: TestServer.admin)
        return Answer(try await api.server.handle(request))
    }

    @Test func readsAConfigMap() async throws {
        let api = try await TestServer()
        let metadata = text(1, "a") + text(2, "") + field(8, []) + field(11, text(1, "app") + text(2, "web"))
        let object = field(1, metadata) + field(2, text(1, "k") + text(2, "v")) + [4 << 3, 0]
        let created = try await post(api, body("ConfigMap", object))
        #expect(created.status == 201, "\(created.message)")
        #expect(created.json["data"] == ["k": "v"])
        #expect(created.json["immutable"] == false)
        #expect(created.json["metadata"]?["labels"] == ["app": "web"])
    }

    @Test func refusesWhatItWouldHaveToCut() async throws {
        let api = try await TestServer()
        let unknown = try await post(api, body("ConfigMap", field(1, text(1, "a")) + field(9, [])))
        #expect(unknown.status == 415)
        #expect(unknown.message.contains("field 9 of ConfigMap is not known"))
        #expect(try await post(api, body("Pod", [])).status == 415)
        #expect(try await post(api, Array("k8s".utf8)).status == 400)
    }

    /// Seeded damage to a good body: an answer every time, never a trap.
    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func survivesDamage(seed: UInt64) async throws {
        let api = try await TestServer()
        let metadata = text(1, "a") + field(8, [8, 1]) + field(13, text(1, "Pod") + text(4, "u"))
        let good = body("ConfigMap", field(1, metadata) + field(2, text(1, "k") + text(2, "v")))
        var state = seed
        for _ in 0..<200 {
            var damaged = good
            for _ in 0..<3 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                damaged[Int(state >> 33) % damaged.count] = UInt8(truncatingIfNeeded: state >> 20)
            }
            let status = try await post(api, damaged).status
            #expect([201, 400, 409, 415, 422].contains(status), "seed \(seed): \(status)")
        }
    }
}
