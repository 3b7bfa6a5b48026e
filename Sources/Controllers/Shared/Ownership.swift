import APIMachinery
import Client
import JSONTree
import KubernetesAPI

/// Takes objects over for a controller, and lets them go. Fails where the object was replaced by another of its name.
struct Ownership: Sendable {
    let client: APIClient

    func adopt<Object: APIObject>(_ object: Object, for owner: OwnerReference) async throws(Status) {
        try await patch(object, reference: owner.json)
    }

    func release<Object: APIObject>(_ object: Object, from uid: String) async throws(Status) {
        do throws(Status) {
            try await patch(object, reference: ["$patch": "delete", "uid": .string(uid)])
        } catch {
            guard error.isReason(.notFound) else { throw error }
        }
    }

    private func patch<Object: APIObject>(_ object: Object, reference: JSONValue) async throws(Status) {
        let metadata = object.metadata
        let body: JSONValue = ["metadata": ["uid": .string(metadata.uid), "ownerReferences": [reference]]]
        let _: Object = try await client.patch(
            Object.self, metadata.name, in: metadata.namespace, .strategicMerge, body)
    }
}

extension APIClient {
    /// Deletes this very object, not another of its name; one that is gone already is fine.
    func delete(
        _ object: some APIObject, propagation: String = "Background", graceSeconds: Int64? = nil
    ) async throws(Status) {
        let options = DeleteOptions { options in
            options.preconditions = Preconditions { $0.uid = object.metadata.uid }
            options.propagationPolicy = propagation
            options.gracePeriodSeconds = graceSeconds
        }
        do throws(Status) {
            try await delete(type(of: object), object.metadata.name, in: object.metadata.namespace, options: options)
        } catch {
            guard error.isReason(.notFound) else { throw error }
        }
    }
}
