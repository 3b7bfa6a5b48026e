import APIMachinery
import JSONTree
import KubernetesAPI
import Store

extension ObjectRegistry {
    enum DeleteOutcome: Sendable {
        /// The object is gone; this was its last state.
        case removed(CachedObject)
        /// The object is marked, and goes when its grace period or its finalizers end.
        case marked(CachedObject)

        var object: CachedObject {
            switch self {
            case .removed(let object), .marked(let object): object
            }
        }
    }

    func delete(
        _ resource: Resource, namespace: String?, name: String, _ request: DeleteRequest, identity: Identity
    ) async throws(Status) -> DeleteOutcome {
        let admitted = AdmissionRequest(
            operation: .delete, resource: resource, subresource: nil, namespace: namespace, name: name,
            identity: identity, isDryRun: request.isDryRun)
        for _ in 0..<Self.updateAttempts {
            let current = try current(resource, namespace: namespace, name: name)
            let tree = current.tree
            try request.checkPreconditions(tree, current, resource)
            try admission.validate(JSONObject(), old: tree, admitted)
            let step = DeletionStep(of: tree, resource.behaviour, request, now: time.now())
            if request.isDryRun { return .removed(current) }
            do throws(Refusal) {
                return try await carryOut(step, current, tree, resource)
            } catch {
                switch error {
                case .refused(let status), .failed(let status): throw status
                case .conflict(let actual): await catchUp(with: actual)
                case .exists(let actual): await catchUp(with: actual)
                }
            }
        }
        throw .staleResourceVersion(resource.name, name)
    }

    private func carryOut(
        _ step: DeletionStep, _ current: CachedObject, _ tree: JSONObject, _ resource: Resource
    ) async throws(Refusal) -> DeleteOutcome {
        let key = resource.prefix + current.key
        switch step {
        case .keep:
            return .marked(current)
        case .mark(let marked):
            let bytes = resource.format.stored(marked)
            let revision = try await commit(.update(key: key, bytes: bytes, expecting: current.revision))
            return .marked(resource.format.cached(key: current.key, stored: bytes, tree: marked, revision: revision))
        case .remove:
            let revision = try await commit(.delete(key: key, expecting: current.revision))
            allocator.release(tree, resource)
            return .removed(resource.format.moved(current, to: revision))
        }
    }
}

extension DeleteRequest {
    func checkPreconditions(_ tree: JSONObject, _ current: CachedObject, _ resource: Resource) throws(Status) {
        let name = tree["metadata"]?["name"]?.string ?? ""
        let actual = tree["metadata"]?["uid"]?.string ?? ""
        if let uid, uid != actual {
            throw .conflict(
                resource.name, name, "Precondition failed: UID in precondition: \(uid), UID in object meta: \(actual)")
        }
        if let resourceVersion, resourceVersion != String(current.revision) {
            throw .conflict(
                resource.name, name,
                "Precondition failed: ResourceVersion in precondition: \(resourceVersion), ResourceVersion in object meta: \(current.revision)"
            )
        }
    }
}

/// What a deletion does to an object as it stands. Pure.
enum DeletionStep: Sendable, Hashable {
    /// It is being deleted already, and this request changes nothing.
    case keep
    case mark(JSONObject)
    case remove

    init(of object: JSONObject, _ behaviour: any KindBehaviour, _ request: DeleteRequest, now: Timestamp) {
        let old = object["metadata"]?.object ?? JSONObject()
        var metadata = old
        // Of what no collector follows nobody else would take one away.
        Self.setFinalizers(&metadata, behaviour.isGarbageCollected ? request.propagation : .background)
        let grace = max(0, behaviour.gracePeriod(object, requested: request.gracePeriodSeconds) ?? 0)
        let isHeld = metadata["finalizers"]?.array?.isEmpty == false || behaviour.isHeldFromDeletion(object)
        if grace == 0, !isHeld {
            self = .remove
            return
        }
        Self.setDeletion(&metadata, grace: grace, now: now)
        guard metadata != old else {
            self = .keep
            return
        }
        if behaviour.hasGeneration, old["deletionTimestamp"] == nil {
            metadata["generation"] = .integer((old["generation"]?.integer ?? 0) &+ 1)
        }
        var marked = object
        marked["metadata"] = .object(metadata)
        behaviour.beginDeletion(&marked)
        self = .mark(marked)
    }

    /// The finalizers by which the garbage collector learns of the propagation policy.
    private static func setFinalizers(_ metadata: inout JSONObject, _ propagation: DeleteRequest.Propagation?) {
        guard let propagation else { return }
        let own = ["orphan", "foregroundDeletion"]
        var finalizers = (metadata["finalizers"]?.array ?? []).filter { !own.contains($0.string ?? "") }
        switch propagation {
        case .orphan: finalizers.append("orphan")
        case .foreground: finalizers.append("foregroundDeletion")
        case .background: break
        }
        metadata["finalizers"] = finalizers.isEmpty ? nil : .array(finalizers)
    }

    /// A deletion that runs already can only be made shorter.
    private static func setDeletion(_ metadata: inout JSONObject, grace: Int64, now: Timestamp) {
        // A year is as good as for ever, and cannot overflow.
        var grace = min(grace, 365 * 86_400)
        var due = now + .seconds(grace)
        if let text = metadata["deletionTimestamp"]?.string, let running = Timestamp(text) {
            let runningGrace = metadata["deletionGracePeriodSeconds"]?.integer ?? 0
            guard grace < runningGrace else { return }
            due = min(running, grace == 0 ? now : running - .seconds(runningGrace - grace))
        }
        if grace < 0 { grace = 0 }
        metadata["deletionTimestamp"] = due.truncatedToSeconds.json
        metadata["deletionGracePeriodSeconds"] = .integer(grace)
    }
}
