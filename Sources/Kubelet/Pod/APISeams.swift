import APIMachinery
import Client
import JSONTree
import KubernetesAPI

/// Writes pods' statuses to the API server.
struct APIStatusSink: PodStatusSink {
    let client: APIClient

    func publish(_ status: PodStatus, of pod: Pod) async throws(OperationError) {
        var own = status.storage
        own["conditions"] = .array(
            status.conditions.filter {
                PodMachine.ownConditions.contains($0.type) || $0.type == PodTermination.condition
            }
            .map(Self.patch))
        for name in ["reason", "message"] where own[name] == nil { own[name] = .null }
        // A list that is merged by address would keep those of a sandbox that is lost.
        for name in ["podIPs", "hostIPs"] {
            if let addresses = own[name]?.array { own[name] = .array([["$patch": "replace"]] + addresses) }
        }
        let body: JSONValue = [
            "metadata": ["uid": .string(pod.metadata.uid)],
            "status": .object(own),
        ]
        try await ignoringNotFound("FailedStatusUpdate") { () async throws(Status) in
            _ = try await client.patch(
                Pod.self, pod.metadata.name, in: pod.metadata.namespace, subresource: "status", .strategicMerge, body)
        }
    }

    /// A condition is merged into the stored one by its type, so what it no longer says must be said to be gone.
    private static func patch(_ condition: PodCondition) -> JSONValue {
        var object = condition.storage
        for name in ["reason", "message"] where object[name] == nil { object[name] = .null }
        return .object(object)
    }

    func confirmDeletion(of pod: Pod) async throws(OperationError) {
        let options = DeleteOptions {
            $0.gracePeriodSeconds = 0
            $0.preconditions = Preconditions { $0.uid = pod.metadata.uid }
        }
        try await ignoringNotFound("FailedDelete") { () async throws(Status) in
            try await client.delete(Pod.self, pod.metadata.name, in: pod.metadata.namespace, options: options)
        }
    }

    /// An object that is gone, or is another by now, needs nothing more from us. One that is not on this node is not found either.
    private func ignoringNotFound(
        _ reason: String, _ body: () async throws(Status) -> Void
    ) async throws(OperationError) {
        do throws(Status) {
            try await body()
        } catch {
            if error.isReason(.notFound) || error.isReason(.conflict) { return }
            throw OperationError(reason, error.description)
        }
    }
}

/// Reads ConfigMaps and Secrets, and asks for tokens, at the API server.
struct APIReferencedObjects: ReferencedObjects {
    let client: APIClient

    func configMap(_ name: String, in namespace: String) async throws(OperationError) -> ConfigMap? {
        try await find(ConfigMap.self, name, namespace)
    }

    func secret(_ name: String, in namespace: String) async throws(OperationError) -> Secret? {
        try await find(Secret.self, name, namespace)
    }

    func nodeLabels(_ node: String) async -> [String: String]? {
        try? await client.get(Node.self, node).metadata.labels
    }

    private func find<Object: APIObject>(
        _ type: Object.Type, _ name: String, _ namespace: String
    ) async throws(OperationError) -> Object? {
        do throws(Status) {
            return try await client.get(type, name, in: namespace)
        } catch {
            if error.isReason(.notFound) { return nil }
            throw OperationError("FailedMount", "\(Object.kind.kind) \(namespace)/\(name): \(error)")
        }
    }

    func token(
        for pod: Pod, audiences: [String], expirationSeconds: Int64
    ) async throws(OperationError) -> IssuedToken {
        let account = pod.spec.serviceAccountName ?? "default"
        let request: JSONValue = [
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": [
                "audiences": .array(audiences.map(JSONValue.string)),
                "expirationSeconds": .integer(expirationSeconds),
                "boundObjectRef": [
                    "apiVersion": "v1", "kind": "Pod", "name": .string(pod.metadata.name),
                    "uid": .string(pod.metadata.uid),
                ],
            ],
        ]
        do throws(Status) {
            let answer = try await client.createSubresource(
                ServiceAccount.self, account, in: pod.metadata.namespace, subresource: "token", request)
            guard let token = answer["status"]?["token"]?.string,
                let expiration = answer["status"]?["expirationTimestamp"].flatMap(Timestamp.init(json:))
            else { throw Status.internalError("the answer has no token, or no end of its life") }
            return IssuedToken(text: token, expiration: expiration)
        } catch {
            throw OperationError("FailedMount", "token of service account \(account): \(error)")
        }
    }
}

/// Records pods' events at the API server.
struct APIPodEvents: PodEventRecorder {
    let recorder: EventRecorder

    func record(_ message: PodEventMessage, on pod: Pod) {
        let field = message.container.map { "spec.containers{\($0)}" }
        recorder.record(
            EventDraft(
                pod.reference(fieldPath: field), message.isWarning ? .warning : .normal, reason: message.reason,
                message: message.message))
    }
}
