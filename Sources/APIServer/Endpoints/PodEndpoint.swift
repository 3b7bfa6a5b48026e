import APIMachinery
import HTTP
import JSONTree
import KubernetesAPI
import Store

/// What is served under a pod beside its status: binding, eviction, and the way to its node for logs and sessions.
struct PodEndpoint: Sendable {
    let registry: ObjectRegistry
    let nodes: any NodeProxy
    let timeline: any TimelineSink

    /// nil where a pod has no such subresource.
    func answer(_ request: ResourceRequest, _ subresource: String) async throws(Status) -> HTTPResponse? {
        switch (subresource, request.verb) {
        case ("binding", .create): try await bind(request, podName: request.name)
        case ("eviction", .create): try await evict(request)
        case ("log", .get): try await NodeRelay(nodes: nodes).logs(request, pod(request))
        case ("exec", .get), ("exec", .create): try await NodeRelay(nodes: nodes).session("exec", request, pod(request))
        case ("attach", .get), ("attach", .create):
            try await NodeRelay(nodes: nodes).session("attach", request, pod(request))
        case ("portforward", .get), ("portforward", .create):
            try await NodeRelay(nodes: nodes).portForward(request, pod(request))
        case ("binding", _), ("eviction", _), ("log", _), ("exec", _), ("attach", _), ("portforward", _):
            throw .methodNotAllowed(request.resource.name, request.verb.rawValue)
        default: nil
        }
    }

    private func pod(_ request: ResourceRequest) throws(Status) -> Pod {
        let object = try registry.current(request.resource, namespace: request.path.namespace, name: request.name)
        return Pod(storage: object.tree)
    }

    /// What is asked of a pod names the one of the URL.
    private static func check(
        _ body: JSONObject, _ kind: ResourceKind, names pod: String, _ request: ResourceRequest
    ) throws(Status) {
        try WriteEndpoint.check(body[metadata: "namespace"]?.string ?? "", request.path.namespace ?? "")
        guard body.name == pod else {
            throw .badRequest("name in URL does not match name in \(kind.kind) object")
        }
    }

    // MARK: Binding

    /// Gives a pod to a node: what the scheduler decides.
    func bind(_ request: ResourceRequest, podName: String) async throws(Status) -> HTTPResponse {
        let options = try WriteOptions(request.http)
        var warnings: [String] = []
        let body = try RequestBody.object(
            request.http, of: Binding.kind, Binding.schema, options.fieldValidation, warnings: &warnings)
        try Self.check(body, Binding.kind, names: podName, request)
        let binding = Binding(storage: body)
        let target = binding.target
        let node = target.name ?? ""
        guard !node.isEmpty, target.kind ?? "Node" == "Node" || target.kind == "" else {
            throw .invalid(
                group: "", kind: "Binding", name: podName,
                [.required("target.name", "a pod is bound to a Node, by its name")])
        }
        let (uid, version) = (binding.metadata.uid, binding.metadata.resourceVersion)
        let annotations = binding.metadata.annotations
        let resource = request.resource
        let now = registry.time.now()
        let update = UpdateRequest(
            resource: resource, namespace: request.path.namespace, name: podName, subresource: "binding",
            options: options, identity: request.identity
        ) { (pod: JSONObject) throws(Status) in
            try Self.checkBindable(pod, podName, uid: uid, version: version, resource)
            var bound = pod
            bound["spec", "nodeName"] = .string(node)
            if !annotations.isEmpty {
                var all = pod[metadata: "annotations"]?.object ?? JSONObject()
                for (key, value) in annotations { all[key] = .string(value) }
                bound[metadata: "annotations"] = .object(all)
            }
            Self.setScheduled(&bound, now: now)
            return bound
        }
        let object = try await registry.update(update)
        let metadata = object.tree
        timeline.record(
            TimelineMoment(
                step: .bound, podUID: metadata[metadata: "uid"]?.string ?? "",
                namespace: request.path.namespace ?? "", name: podName, detail: node, at: registry.time.now()))
        return .json(201, Status.success().storage.encoded(), warnings: warnings)
    }

    private static func checkBindable(
        _ pod: JSONObject, _ name: String, uid: String, version: String, _ resource: Resource
    ) throws(Status) {
        if !uid.isEmpty, uid != pod[metadata: "uid"]?.string {
            throw .conflict(
                resource.name, name,
                "Precondition failed: UID in precondition: \(uid), UID in object meta: \(pod[metadata: "uid"]?.string ?? "")"
            )
        }
        if !version.isEmpty, version != pod[metadata: "resourceVersion"]?.string {
            throw .staleResourceVersion(resource.name, name)
        }
        if pod[metadata: "deletionTimestamp"] != nil {
            throw .conflict(resource.name, name, "pod \(name) is being deleted, cannot be assigned to a host")
        }
        let node = pod["spec"]?["nodeName"]?.string ?? ""
        if !node.isEmpty {
            throw .conflict(resource.name, name, "pod \(name) is already assigned to node \"\(node)\"")
        }
        if pod["spec"]?["schedulingGates"]?.array?.isEmpty == false {
            throw .conflict(resource.name, name, "pod \(name) has non-empty .spec.schedulingGates")
        }
    }

    private static func setScheduled(_ pod: inout JSONObject, now: Timestamp) {
        var conditions = (pod["status"]?["conditions"]?.array ?? []).filter { $0["type"] != "PodScheduled" }
        conditions.append([
            "type": "PodScheduled", "status": "True", "lastProbeTime": .null, "lastTransitionTime": now.json,
        ])
        pod["status", "conditions"] = .array(conditions)
    }

    // MARK: Eviction

    /// Says in the pod's conditions why it goes, and deletes it. There are no disruption budgets yet that could refuse.
    private func evict(_ request: ResourceRequest) async throws(Status) -> HTTPResponse {
        let options = try WriteOptions(request.http)
        var warnings: [String] = []
        let body = try RequestBody.object(
            request.http, of: Eviction.kind, Eviction.schema, options.fieldValidation, warnings: &warnings)
        try Self.check(body, Eviction.kind, names: request.name, request)
        var deletion = try DeleteRequest(body["deleteOptions"]?.object ?? JSONObject())
        if options.isDryRun { deletion.isDryRun = true }
        if !deletion.isDryRun { try await markEvicted(request, &deletion) }
        _ = try await registry.delete(
            request.resource, namespace: request.path.namespace, name: request.name, deletion,
            identity: request.identity)
        return .json(201, Status.success().storage.encoded(), warnings: warnings)
    }

    /// Where the deletion is for one version of the pod, it is for the marked one then.
    private func markEvicted(_ request: ResourceRequest, _ deletion: inout DeleteRequest) async throws(Status) {
        let (uid, version) = (deletion.uid, deletion.resourceVersion)
        let now = registry.time.now().truncatedToSeconds
        let update = UpdateRequest(
            resource: request.resource, namespace: request.path.namespace, name: request.name, subresource: "status",
            identity: request.identity
        ) { (pod: JSONObject) throws(Status) in
            var marked = pod
            if let uid { marked[metadata: "uid"] = .string(uid) }
            if let version { marked[metadata: "resourceVersion"] = .string(version) }
            let conditions = pod["status"]?["conditions"]?.array ?? []
            guard !conditions.contains(where: { $0["type"] == "DisruptionTarget" && $0["status"] == "True" }) else {
                return marked
            }
            let condition: JSONValue = [
                "type": "DisruptionTarget", "status": "True", "lastProbeTime": .null, "lastTransitionTime": now.json,
                "reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting",
            ]
            marked["status", "conditions"] = .array(
                conditions.filter { $0["type"] != "DisruptionTarget" } + [condition])
            return marked
        }
        let marked = try await registry.update(update)
        if version != nil { deletion.resourceVersion = String(marked.revision) }
    }
}
