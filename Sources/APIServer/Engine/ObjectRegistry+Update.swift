import APIMachinery
import JSONTree
import KubernetesAPI
import Store

/// One update: which object, through which subresource, and how its new state follows from the present one.
struct UpdateRequest: Sendable {
    let resource: Resource
    let namespace: String?
    let name: String
    /// nil: the object itself.
    var subresource: String?
    var options = WriteOptions()
    let identity: Identity
    /// The change keeps managed fields itself (server-side apply).
    var tracksFields = false
    /// The new state from the present one, which carries its resourceVersion. Called again when another writer was faster.
    let change: @Sendable (JSONObject) throws(Status) -> JSONObject
}

extension ObjectRegistry {
    /// How often an update that names no resourceVersion starts over because another writer was faster.
    static let updateAttempts = 16

    /// Changes an object. An update whose new state names a resourceVersion other than the present one is a conflict; one that changes nothing is not
    /// written; one that takes the last finalizer from an object that is being deleted removes it.
    func update(_ request: UpdateRequest) async throws(Status) -> CachedObject {
        for _ in 0..<Self.updateAttempts {
            let current = try current(request.resource, namespace: request.namespace, name: request.name)
            do throws(Refusal) {
                return try await updateOnce(request, current)
            } catch {
                switch error {
                case .refused(let status), .failed(let status): throw status
                case .conflict(let actual): await catchUp(with: actual)
                case .exists(let actual): await catchUp(with: actual)
                }
            }
        }
        throw .staleResourceVersion(request.resource.name, request.name)
    }

    private func updateOnce(_ request: UpdateRequest, _ current: CachedObject) async throws(Refusal) -> CachedObject {
        let resource = request.resource
        var old = current.tree
        // What an older release stored may have kept empty lists and maps, which must not look like a change.
        if request.subresource != "status" { resource.definition.schema.prune(&old) }
        let new: JSONObject
        let bytes: [UInt8]
        let reservation: ServiceAllocator.Reservation
        do throws(Status) {
            var next = try request.change(old)
            try checkIdentity(next, old, request, current)
            restrict(&next, old, request)
            reservation = try complete(&next, old, request)
            track(&next, old, request)
            bytes = try stored(next, resource)
            new = next
        } catch {
            throw .refused(error)
        }
        let isSame = resource.format.wire(stored: bytes, revision: current.revision) == current.wire
        if request.options.isDryRun || isSame && !current.isUnsaved {
            reservation.release()
            return resource.format.cached(key: current.key, stored: bytes, tree: new, revision: current.revision)
        }
        let key = resource.prefix + current.key
        do throws(Refusal) {
            let isDeletion = Self.endsDeletion(new, resource)
            let write: Write =
                isDeletion
                ? .delete(key: key, expecting: current.revision)
                : .update(key: key, bytes: bytes, expecting: current.revision)
            let revision: Revision
            if showsUnsaved(request) {
                let new = resource.format.cached(key: current.key, stored: bytes, tree: new, revision: current.revision)
                revision = try await commit(write, showing: new.unsaved, in: resource)
            } else {
                revision = try await commit(write)
            }
            reservation.keep()
            if isDeletion { allocator.release(new, resource) }
            return resource.format.cached(key: current.key, stored: bytes, tree: new, revision: revision)
        } catch {
            // After a failure it is not known whether the write was done: what it took stays taken until the next start.
            if case .failed = error { throw error }
            reservation.release()
            throw error
        }
    }

    /// What another says of a node while nothing can be written may be wrong just because of that.
    private func showsUnsaved(_ request: UpdateRequest) -> Bool {
        request.subresource == "status" && request.resource.behaviour.showsUnsavedStatus
            && request.identity.nodeName == request.name
    }

    /// The new state must be of the same object, and based on its present version where it names one.
    private func checkIdentity(
        _ new: JSONObject, _ old: JSONObject, _ request: UpdateRequest, _ current: CachedObject
    ) throws(Status) {
        let metadata = new["metadata"]?.object ?? JSONObject()
        if let uid = metadata["uid"]?.string, !uid.isEmpty, uid != old["metadata"]?["uid"]?.string {
            throw .conflict(
                request.resource.name, request.name,
                "Precondition failed: UID in precondition: \(uid), UID in object meta: \(old["metadata"]?["uid"]?.string ?? "")"
            )
        }
        if let version = metadata["resourceVersion"]?.string, !version.isEmpty, version != "0",
            version != String(current.revision)
        {
            throw .staleResourceVersion(request.resource.name, request.name)
        }
        let errors = MetadataRules.checkUpdate(new, old: old)
        guard errors.isEmpty else {
            throw .invalid(
                group: request.resource.kind.group, kind: request.resource.kind.kind, name: request.name, errors)
        }
    }

    /// Keeps what this way of writing may not change.
    private func restrict(_ new: inout JSONObject, _ old: JSONObject, _ request: UpdateRequest) {
        let resource = request.resource
        if request.subresource == "status" {
            var result = old
            result["status"] = new["status"]
            var metadata = old["metadata"]?.object ?? JSONObject()
            for field in resource.behaviour.statusMetadata { metadata[field] = new["metadata"]?[field] }
            result["metadata"] = .object(metadata)
            new = result
        } else if request.subresource == "ephemeralcontainers" {
            var result = old
            result["spec", "ephemeralContainers"] = new["spec"]?["ephemeralContainers"]
            new = result
        } else if request.subresource == nil, resource.kind.subresources.contains(.status) {
            new["status"] = old["status"]
        }
        var metadata = new["metadata"]?.object ?? JSONObject()
        for field in Self.serverFields { metadata[field] = old["metadata"]?[field] }
        if metadata["managedFields"] == nil { metadata["managedFields"] = old["metadata"]?["managedFields"] }
        metadata["selfLink"] = nil
        new["metadata"] = .object(metadata)
        new["apiVersion"] = old["apiVersion"]
        new["kind"] = old["kind"]
        if request.subresource == nil { resource.definition.prepare(&new, old) }
    }

    private static let serverFields = [
        "name", "namespace", "generateName", "uid", "creationTimestamp", "deletionTimestamp",
        "deletionGracePeriodSeconds", "generation",
    ]

    /// Defaults, admission, generation, validation.
    private func complete(
        _ new: inout JSONObject, _ old: JSONObject, _ request: UpdateRequest
    ) throws(Status) -> ServiceAllocator.Reservation {
        let resource = request.resource
        let admitted = AdmissionRequest(
            operation: .update, resource: resource, subresource: request.subresource, namespace: request.namespace,
            name: request.name, identity: request.identity, isDryRun: request.options.isDryRun)
        resource.applyDefaults(&new)
        try admission.mutate(&new, old: old, admitted)
        resource.definition.complete(&new)
        // The scheduler's choice of a node is no change of what the user wants.
        if resource.behaviour.hasGeneration, request.subresource != "binding", Self.changesDesiredState(new, old) {
            new[metadata: "generation"] = .integer((old["metadata"]?["generation"]?.integer ?? 0) &+ 1)
        }
        let reservation = try allocator.reserve(&new, old: old, resource)
        do throws(Status) {
            try resource.validate(new, old: old, subresource: request.subresource)
            try admission.validate(new, old: old, admitted)
        } catch {
            reservation.release()
            throw error
        }
        return reservation
    }

    /// Gives the changed fields to who changed them, for objects that have been applied by a server-side apply: until then nobody needs to know.
    private func track(_ new: inout JSONObject, _ old: JSONObject, _ request: UpdateRequest) {
        guard !request.tracksFields, new != old, new[metadata: "managedFields"] != nil else { return }
        let manager = ManagedFields.Manager(
            request.options.fieldManager, .update, apiVersion: request.resource.kind.apiVersion,
            subresource: request.subresource ?? "")
        new = ServerSideApply(request.resource.definition.schema, manager, now: time.now()).track(new, from: old)
    }

    /// Whether anything but metadata and status differs.
    static func changesDesiredState(_ new: JSONObject, _ old: JSONObject) -> Bool {
        let isDesired: (JSONObject.Member) -> Bool = { $0.key != "metadata" && $0.key != "status" }
        return !new.members.lazy.filter(isDesired).elementsEqual(old.members.lazy.filter(isDesired))
    }

    /// Whether an object that is being deleted has nothing left to wait for.
    static func endsDeletion(_ object: JSONObject, _ resource: Resource) -> Bool {
        let metadata = object["metadata"]
        return metadata?["deletionTimestamp"] != nil && metadata?["finalizers"]?.array?.isEmpty ?? true
            && (metadata?["deletionGracePeriodSeconds"]?.integer ?? 0) == 0
            && !resource.behaviour.isHeldFromDeletion(object)
    }
}
