import APIMachinery
import Client
import HTTP
import JSONTree
import KubernetesAPI
import Synchronization
import TestSupport
import Testing

@Suite struct ModifyTests {
    @Test func aConflictIsTriedOnTheNewerVersion() async throws {
        let version = Mutex(1)
        let handler = FakeHTTPHandler { request in
            if request.method == .get { return json(configMap("a", version: version.withLock { $0 }).json) }
            let sent = (try? JSONValue(parsing: request.body)).flatMap(ConfigMap.init(json:))
            guard sent?.metadata.resourceVersion == "2" else {
                version.withLock { $0 += 1 }
                return failure(.staleResourceVersion(ResourceName("configmaps"), "a"))
            }
            return json(sent?.json ?? .null)
        }
        let changed = try await client(handler).modify(ConfigMap.self, "a", in: "default") { $0.data["k"] = "v" }
        #expect(changed.data == ["k": "v"])
        #expect(handler.requests.map(\.method) == [.get, .put, .get, .put])
    }

    @Test func nothingIsWrittenWhereNothingChanged() async throws {
        let handler = FakeHTTPHandler { _ in json(configMap("a", version: 1).json) }
        _ = try await client(handler).modify(ConfigMap.self, "a", in: "default") { _ in }
        #expect(handler.requests.map(\.method) == [.get])
    }

    @Test func aConflictThatStaysIsGivenUp() async throws {
        let handler = FakeHTTPHandler { request in
            request.method == .get
                ? json(configMap("a", version: 1).json)
                : failure(.staleResourceVersion(ResourceName("configmaps"), "a"))
        }
        let error = await #expect(throws: Status.self) {
            try await client(handler).modify(ConfigMap.self, "a", in: "default") { $0.data["k"] = "v" }
        }
        #expect(error?.isReason(.conflict) == true)
        #expect(handler.requests.filter { $0.method == .put }.count == 5)
    }
}
