import APIMachinery
import JSONTree
import KubernetesAPI

/// Every pod bears a node's short absence: it tolerates `not-ready` and `unreachable` for five minutes, unless it says otherwise.
struct DefaultTolerationSeconds: AdmissionRule {
    static let seconds: Int64 = 300
    private static let keys = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]

    func mutate(_ object: inout JSONObject, old: JSONObject?, _ request: AdmissionRequest) throws(Status) {
        guard request.concerns("", "pods"), request.subresource == nil else { return }
        var tolerations = object["spec"]?["tolerations"]?.array ?? []
        let before = tolerations.count
        for key in Self.keys where !tolerations.contains(where: { Self.covers($0, key) }) {
            tolerations.append([
                "key": .string(key), "operator": "Exists", "effect": "NoExecute",
                "tolerationSeconds": .integer(Self.seconds),
            ])
        }
        if tolerations.count > before { object["spec", "tolerations"] = .array(tolerations) }
    }

    private static func covers(_ toleration: JSONValue, _ key: String) -> Bool {
        let named = toleration["key"]?.string ?? ""
        let effect = toleration["effect"]?.string ?? ""
        return (named == key || named.isEmpty) && (effect == "NoExecute" || effect.isEmpty)
    }
}

/// A pod that asks for something copes with a node that is short of memory: it is among the last to be evicted for it. So only those that ask for
/// nothing are kept off such nodes.
struct MemoryPressureToleration: AdmissionRule {
    func mutate(_ object: inout JSONObject, old: JSONObject?, _ request: AdmissionRequest) throws(Status) {
        guard request.operation == .create, request.concerns("", "pods"), request.subresource == nil else { return }
        let spec = PodSpec(storage: object["spec"]?.object ?? JSONObject())
        let taint = Taint {
            $0.key = "node.kubernetes.io/memory-pressure"
            $0.effect = "NoSchedule"
        }
        guard spec.serviceClass != .bestEffort, !spec.tolerations.contains(where: { $0.tolerates(taint) }) else {
            return
        }
        let toleration: JSONValue = [
            "key": "node.kubernetes.io/memory-pressure", "operator": "Exists", "effect": "NoSchedule",
        ]
        object["spec", "tolerations"] = .array((object["spec"]?["tolerations"]?.array ?? []) + [toleration])
    }
}

/// The importance of pods. There are no PriorityClass objects yet: the two built-in classes are known by name, all else is 0.
struct PriorityDefault: AdmissionRule {
    private static let classes: [String: Int64] = [
        "system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000,
    ]

    func mutate(_ object: inout JSONObject, old: JSONObject?, _ request: AdmissionRequest) throws(Status) {
        guard request.operation == .create, request.concerns("", "pods"), request.subresource == nil else { return }
        let name = object["spec"]?["priorityClassName"]?.string ?? ""
        guard name.isEmpty || Self.classes[name] != nil else {
            throw .forbidden(
                request.resource.name, request.shownName, "no PriorityClass with name \(name) was found")
        }
        let priority = Self.classes[name] ?? 0
        if let given = object["spec"]?["priority"]?.integer, given != priority {
            throw .forbidden(
                request.resource.name, request.shownName,
                "the integer value of priority (\(given)) must not be provided in pod spec; priority admission computes it (\(priority)) from the PriorityClass name"
            )
        }
        object["spec", "priority"] = .integer(priority)
        if object["spec"]?["preemptionPolicy"] == nil { object["spec", "preemptionPolicy"] = "PreemptLowerPriority" }
    }
}

/// There are no RuntimeClass objects: a pod that names one, for a stronger sandbox perhaps, must not run in an ordinary one.
struct NoRuntimeClass: AdmissionRule {
    func validate(_ object: JSONObject, old: JSONObject?, _ request: AdmissionRequest) throws(Status) {
        guard request.operation == .create, request.concerns("", "pods"), request.subresource == nil else { return }
        if let name = object["spec"]?["runtimeClassName"]?.string {
            throw .forbidden(
                request.resource.name, request.shownName, "pod rejected: RuntimeClass \"\(name)\" not found")
        }
        guard object["spec"]?["overhead"]?.object?.isEmpty ?? true else {
            throw .forbidden(
                request.resource.name, request.shownName,
                "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead")
        }
    }
}

/// A node that registers gets no pods before it says that it is ready.
struct TaintNodesByCondition: AdmissionRule {
    func mutate(_ object: inout JSONObject, old: JSONObject?, _ request: AdmissionRequest) throws(Status) {
        guard request.operation == .create, request.concerns("", "nodes"), !Self.isReady(object) else { return }
        var taints = object["spec"]?["taints"]?.array ?? []
        guard !taints.contains(where: { $0["key"] == "node.kubernetes.io/not-ready" }) else { return }
        taints.append(["key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"])
        object["spec", "taints"] = .array(taints)
    }

    /// A node may bring a status in which it is ready already.
    private static func isReady(_ node: JSONObject) -> Bool {
        node["status"]?["conditions"]?.array?.contains { $0["type"] == "Ready" && $0["status"] == "True" } ?? false
    }
}
