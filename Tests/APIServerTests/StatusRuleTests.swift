import APIMachinery
import HTTP
import JSONTree
import Testing

/// What a status may say.
@Suite struct StatusRuleTests {
    private static let merge: HTTPHeaders = ["Content-Type": "application/merge-patch+json"]
    private static let sets = "/apis/apps/v1/namespaces/default/replicasets"

    private static func workload(_ kind: String) -> JSONValue {
        [
            "apiVersion": "apps/v1", "kind": .string(kind), "metadata": ["name": "web"],
            "spec": [
                "selector": ["matchLabels": ["app": "web"]],
                "template": [
                    "metadata": ["labels": ["app": "web"]], "spec": ["containers": [["name": "a", "image": "i"]]],
                ],
            ],
        ]
    }

    @Test(arguments: [("Deployment", Path.deployments), ("ReplicaSet", sets)])
    func countsFitTogether(kind: String, path: String) async throws {
        let api = try await TestServer()
        #expect(try await api.send(.post, path, Self.workload(kind)).status == 201)
        for (status, why) in [
            (["replicas": -1], "status.replicas: Invalid value: -1: must be greater than or equal to 0"),
            (
                ["replicas": 1, "readyReplicas": 2],
                "status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas"
            ),
            (
                ["replicas": 3, "readyReplicas": 1, "availableReplicas": 2],
                "status.availableReplicas: Invalid value: 2: cannot be greater than readyReplicas"
            ),
            (["replicas": 0, "observedGeneration": -2], "must be greater than or equal to 0"),
        ] as [(JSONValue, String)] {
            let answer = try await api.send(.patch, path + "/web/status", ["status": status], headers: Self.merge)
            #expect(answer.status == 422 && answer.message.contains(why), "\(answer.message)")
        }
        let good: JSONValue = ["status": ["replicas": 3, "readyReplicas": 2, "availableReplicas": 1]]
        #expect(try await api.send(.patch, path + "/web/status", good, headers: Self.merge).status == 200)
    }

    @Test func collisionsAreNotForgotten() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.deployments, Self.workload("Deployment"))
        func set(_ count: JSONValue) async throws -> Answer {
            let body: JSONValue = ["status": ["collisionCount": count]]
            return try await api.send(.patch, Path.deployments + "/web/status", body, headers: Self.merge)
        }
        #expect(try await set(2).status == 200)
        #expect(try await set(1).message.contains("status.collisionCount: Invalid value: 1: cannot be decremented"))
        #expect(try await set(.null).status == 422)
        #expect(try await set(3).status == 200)
    }

    @Test func theDeletionAloneEndsANamespace() async throws {
        let api = try await TestServer()
        let path = "/api/v1/namespaces/a"
        _ = try await api.send(.post, "/api/v1/namespaces", ["metadata": ["name": "a"]])
        func set(_ phase: JSONValue) async throws -> Answer {
            try await api.send(.patch, path + "/status", ["status": ["phase": phase]], headers: Self.merge)
        }
        let refused = try await set("Terminating")
        #expect(refused.status == 422)
        #expect(refused.message.contains("may only be 'Active' if `deletionTimestamp` is empty"))
        #expect(try await set("Active").status == 200)
        _ = try await api.send(.delete, path)
        #expect(
            try await set("Active").message.contains("may only be 'Terminating' if `deletionTimestamp` is not empty"))
        #expect(try await set("Terminating").status == 200)
    }
}
