import APIMachinery
import JSONTree
import KubernetesAPI
import Store

extension ObjectRegistry {
    /// Admits, completes, validates and writes a new object. `object` has passed the check of its types.
    func create(
        _ object: JSONObject, _ resource: Resource, namespace: String?, options: WriteOptions, identity: Identity
    ) async throws(Status) -> CachedObject {
        guard ["", "0"].contains(object[metadata: "resourceVersion"]?.string ?? "") else {
            throw .badRequest("resourceVersion should not be set on objects to be created")
        }
        // A generated name that is taken is tried again with another suffix.
        var attempts = 8
        while true {
            attempts -= 1
            do throws(Refusal) {
                return try await createOnce(
                    object, resource, namespace: namespace, options: options, identity: identity)
            } catch {
                let name = object["metadata"]?["name"]?.string ?? ""
                switch error {
                case .refused(let status), .failed(let status): throw status
                case .exists where name.isEmpty && attempts > 0: continue
                case .exists, .conflict:
                    throw .alreadyExists(
                        resource.name, name.isEmpty ? object["metadata"]?["generateName"]?.string ?? "" : name)
                }
            }
        }
    }

    private func createOnce(
        _ object: JSONObject, _ resource: Resource, namespace: String?, options: WriteOptions, identity: Identity
    ) async throws(Refusal) -> CachedObject {
        let now = time.now()
        var new = object
        let reservation: ServiceAllocator.Reservation
        let bytes: [UInt8]
        do throws(Status) {
            fillMetadata(&new, resource, namespace: namespace, now: now, keepsManagedFields: options.isApply)
            let request = AdmissionRequest(
                operation: .create, resource: resource, subresource: nil, namespace: namespace,
                name: new["metadata"]?["name"]?.string ?? "", identity: identity, isDryRun: options.isDryRun,
                namePrefix: object.generatedNamePrefix)
            if resource.kind.subresources.contains(.status), !resource.behaviour.keepsNewStatus { new["status"] = nil }
            resource.definition.prepare(&new, nil)
            try admission.mutate(&new, old: nil, request)
            resource.applyDefaults(&new)
            resource.definition.complete(&new)
            reservation = try allocator.reserve(&new, old: nil, resource)
            do throws(Status) {
                try resource.validate(new, old: nil)
                try admission.validate(new, old: nil, request)
                bytes = try stored(new, resource)
            } catch {
                reservation.release()
                throw error
            }
        } catch {
            throw .refused(error)
        }
        return try await write(new, bytes, resource, namespace: namespace, options: options, reservation: reservation)
    }

    private func write(
        _ new: JSONObject, _ bytes: [UInt8], _ resource: Resource, namespace: String?, options: WriteOptions,
        reservation: ServiceAllocator.Reservation
    ) async throws(Refusal) -> CachedObject {
        let key = resource.key(namespace: namespace, name: new["metadata"]?["name"]?.string ?? "")
        if options.isDryRun {
            reservation.release()
            if let existing = resource.cache[key] { throw .exists(existing.revision) }
            return resource.format.cached(key: key, stored: bytes, tree: new, revision: 0)
        }
        do throws(Refusal) {
            let revision = try await commit(.create(key: resource.prefix + key, bytes: bytes))
            reservation.keep()
            return resource.format.cached(key: key, stored: bytes, tree: new, revision: revision)
        } catch {
            // After a failure it is not known whether the write was done: what it took stays taken until the next start.
            if case .failed = error { throw error }
            reservation.release()
            if case .exists(let revision) = error { await catchUp(with: revision) }
            throw error
        }
    }

    /// What every new object gets from the server.
    private func fillMetadata(
        _ object: inout JSONObject, _ resource: Resource, namespace: String?, now: Timestamp, keepsManagedFields: Bool
    ) {
        object["apiVersion"] = .string(resource.kind.apiVersion)
        object["kind"] = .string(resource.kind.kind)
        var metadata = object["metadata"]?.object ?? JSONObject()
        if let base = object.generatedNamePrefix {
            metadata["name"] = .string(identifiers.name(generateName: base))
        }
        metadata["namespace"] = resource.kind.isNamespaced ? namespace.map { .string($0) } : nil
        metadata["uid"] = .string(identifiers.uid())
        metadata["creationTimestamp"] = now.json
        metadata["deletionTimestamp"] = nil
        metadata["deletionGracePeriodSeconds"] = nil
        metadata["resourceVersion"] = nil
        metadata["selfLink"] = nil
        if !keepsManagedFields { metadata["managedFields"] = nil }
        metadata["generation"] = resource.behaviour.hasGeneration ? 1 : nil
        object["metadata"] = .object(metadata)
    }
}

extension JSONObject {
    /// What the server is to append the rest of the name to; nil where the object has a name, or none is asked for.
    fileprivate var generatedNamePrefix: String? {
        guard self[metadata: "name"]?.string ?? "" == "" else { return nil }
        return self[metadata: "generateName"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    }
}
