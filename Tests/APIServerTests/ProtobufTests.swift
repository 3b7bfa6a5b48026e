import APIMachinery
import APIServer
import HTTP
import JSONTree
import KubernetesAPI
import Testing

/// Bodies as kubectl's typed clients send them.
@Suite struct ProtobufTests {
    private let type: HTTPHeaders = ["Content-Type": "application/vnd.kubernetes.protobuf"]

    private func varint(_ number: Int) -> [UInt8] {
        number < 0x80 ? [UInt8(number)] : [UInt8(number & 0x7F | 0x80)] + varint(number >> 7)
    }

    private func field(_ number: Int, _ bytes: [UInt8]) -> [UInt8] {
        varint(number << 3 | 2) + varint(bytes.count) + bytes
    }

    private func number(_ number: Int, _ value: Int) -> [UInt8] {
        varint(number << 3) + varint(value)
    }

    private func text(_ number: Int, _ text: String) -> [UInt8] {
        field(number, Array(text.utf8))
    }

    private func body(_ kind: String, _ object: [UInt8], version: String = "v1") -> [UInt8] {
        Array("k8s\0".utf8) + field(1, text(1, version) + text(2, kind)) + field(2, object) + text(3, "") + text(4, "")
    }

    private func post(_ api: TestServer, _ body: [UInt8], to path: String = Path.maps) async throws -> Answer {
        let request = HTTPRequest(.post, path, headers: type, body: body, peer: TestServer.admin)
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

    @Test func readsAnEventInTheFormOfItsVersion() async throws {
        let api = try await TestServer()
        let about = text(1, "Pod") + text(2, "default") + text(3, "web")
        let object =
            field(1, text(1, "a")) + field(2, number(1, 1_700_000_000)) + text(4, "example.com/test") + text(5, "one")
            + text(6, "Doing") + text(7, "Tested") + field(8, about) + text(10, "it was") + text(11, "Normal")
        let path = "/apis/events.k8s.io/v1/namespaces/default/events"
        let created = try await post(api, body("Event", object, version: "events.k8s.io/v1"), to: path)
        #expect(created.status == 201, "\(created.message)")
        #expect(created.json["note"] == "it was" && created.json["regarding"]?["name"] == "web")
        #expect(created.json["eventTime"] == "2023-11-14T22:13:20.000000Z")
        #expect(created.json["reportingController"] == "example.com/test")
    }

    @Test func refusesWhatItWouldHaveToCut() async throws {
        let api = try await TestServer()
        let unknown = try await post(api, body("ConfigMap", field(1, text(1, "a")) + field(9, [])))
        #expect(unknown.status == 415)
        #expect(unknown.message.contains("field 9 of ConfigMap is not known"))
        #expect(try await post(api, body("CronJob", [])).status == 415)
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

    /// What `kubectl create deployment` and clients in Go send for a pod: fields of structs that stand inline, and every kind of scalar.
    @Test func readsAPodWithItsVolumesAndProbes() async throws {
        let api = try await TestServer()
        let key = field(1, text(1, "settings")) + text(2, "level")
        let port = number(1, 0) + number(2, 80) + text(3, "")
        let probe = field(1, field(2, text(1, "/ready") + field(2, port))) + number(2, 0) + number(6, 3)
        let context = number(2, 0) + number(4, 512) + field(1, text(2, "ALL"))
        let limits = field(1, text(1, "memory") + field(2, text(1, "64Mi")))
        let container =
            text(1, "main") + text(2, "busybox") + text(3, "sleep") + text(3, "1")
            + field(7, text(1, "LEVEL") + text(2, "") + field(3, field(3, key))) + field(8, limits)
            + field(9, text(1, "scratch") + number(2, 0) + text(3, "/scratch") + text(4, "")) + field(11, probe)
            + field(15, context)
        let volume = text(1, "scratch") + field(2, field(2, text(1, "")))
        let toleration = text(1, "spot") + text(2, "Exists") + text(3, "") + text(4, "NoExecute") + number(5, 0)
        let spec =
            field(1, volume) + field(2, container) + text(3, "Never") + number(4, 0) + field(22, toleration)
        let object = field(1, text(1, "a")) + field(2, spec)
        let request = HTTPRequest(.post, Path.pods, headers: type, body: body("Pod", object), peer: TestServer.admin)
        let answer = Answer(try await api.server.handle(request))
        #expect(answer.status == 201, "\(answer.message)")
        let pod = Pod(storage: try #require(answer.json.object))
        let main = try #require(pod.spec.containers.first)
        #expect(main.command == ["sleep", "1"])
        #expect(main.env.first?.valueFrom?.configMapKeyRef?.name == "settings")
        #expect(main.env.first?.valueFrom?.configMapKeyRef?.key == "level")
        #expect(main.resources?.limits["memory"]?.description == "64Mi")
        #expect(main.readinessProbe?.httpGet?.port == 80)
        #expect(main.securityContext?.privileged == false)
        #expect(main.securityContext?.runAsUser == 512)
        #expect(main.securityContext?.capabilities?.drop == ["ALL"])
        #expect(pod.spec.volumes.first?.emptyDir != nil)
        #expect(pod.spec.terminationGracePeriodSeconds == 0)
        #expect(pod.spec.tolerations.first { $0.key == "spot" }?.tolerationSeconds == 0)
    }

    /// One field a byte or two: the work must grow with the body alone.
    @Test func manySmallFieldsTakeLittleTime() async throws {
        let api = try await TestServer()
        let entry = field(2, text(1, "k") + text(2, "v"))
        let object = field(1, text(1, "a")) + Array(repeatElement(entry, count: 300_000).joined())
        let begun = ContinuousClock.now
        #expect(try await post(api, body("ConfigMap", object)).status == 201)
        #expect(ContinuousClock.now - begun < .seconds(120))
    }

    /// The tables know every field that the schemas know, but for those newer than the numbers at hand, and no other.
    @Test func tablesFollowTheSchemas() throws {
        let known: Set = [
            "PodSpec.schedulingGroup", "PodStatus.allocatedResources", "PodStatus.resources",
            "PodStatus.nodeAllocatableResourceClaimStatuses", "ResourceHealth.message",
        ]
        var comparison = TableComparison()
        for definition in Kinds.all { comparison.compare(definition.kind.kind, definition.schema) }
        comparison.compare("ReportedEvent", Kinds.reportedEvent.schema)
        for request in Kinds.requests + Kinds.reviews { comparison.compare(request.kind.kind, request.schema) }
        #expect(comparison.missing.subtracting(known).sorted() == [])
        #expect(comparison.unknown.sorted() == [])
    }
}

/// Walks over tables and schemas together.
private struct TableComparison {
    var missing: Set<String> = []
    var unknown: Set<String> = []
    private var seen: Set<String> = []

    mutating func compare(_ message: String, _ schema: Schema) {
        guard let object = schema.object, seen.insert("\(message) \(object.name)").inserted else { return }
        let fields = Self.fields(of: message)
        let names = Set(fields.map(\.name))
        for field in object.fields where !names.contains(field.name) && !["apiVersion", "kind"].contains(field.name) {
            missing.insert("\(message).\(field.name)")
        }
        for field in fields {
            guard let declared = object[field.name] else {
                unknown.insert("\(message).\(field.name)")
                continue
            }
            descend(field.type, declared.schema)
        }
    }

    private mutating func descend(_ type: ProtobufMessages.FieldType, _ schema: Schema) {
        switch (type, schema.shape) {
        case (.list(let element), .array(let schema)), (.map(let element), .map(let schema)): descend(element, schema)
        case (.message(let name), _): compare(name, schema)
        default: break
        }
    }

    private static func fields(of message: String) -> [ProtobufMessages.Field] {
        (ProtobufMessages.all[message] ?? [:]).values.flatMap { field in
            if case .inline(let name) = field.type { fields(of: name) } else { [field] }
        }
    }
}
