import APIMachinery
import JSONTree
import KubernetesAPI

struct PodBehaviour: KindBehaviour {
    var hasGeneration: Bool { true }
    var statusWritesMetadata: Bool { true }

    func prepareForCreate(_ object: inout JSONObject, now: Timestamp) {
        object["status"] = ["phase": "Pending", "qosClass": .string(QualityOfService(object).rawValue)]
    }

    /// The status is the kubelet's; only its own subresource writes it.
    func prepareForUpdate(_ object: inout JSONObject, old: JSONObject) {
        object["status"] = old["status"]
    }

    /// A pod that no node has, or that has ended, goes at once.
    func gracePeriod(_ object: JSONObject, requested: Int64?) -> Int64? {
        if object["spec"]?["nodeName"]?.string ?? "" == "" { return 0 }
        if ["Succeeded", "Failed"].contains(object["status"]?["phase"]?.string) { return 0 }
        if let requested { return requested }
        let grace = object["spec"]?["terminationGracePeriodSeconds"]?.integer ?? 30
        return grace < 0 ? 1 : grace
    }
}

/// How a pod's requests and limits rank it when memory runs out.
enum QualityOfService: String, Sendable {
    case guaranteed = "Guaranteed"
    case burstable = "Burstable"
    case bestEffort = "BestEffort"

    /// Only cpu and memory count. Guaranteed: every container limits both and requests as much as it limits.
    init(_ pod: JSONObject) {
        let spec = pod["spec"]
        let containers = (spec?["containers"]?.array ?? []) + (spec?["initContainers"]?.array ?? [])
        var isAnything = false
        var isGuaranteed = true
        for container in containers {
            let limits = Self.amounts(container["resources"]?["limits"])
            let requests = Self.amounts(container["resources"]?["requests"])
            if !limits.isEmpty || !requests.isEmpty { isAnything = true }
            // A request that is absent equals its limit.
            if limits.count < 2 || requests.contains(where: { limits[$0.key] != $0.value }) { isGuaranteed = false }
        }
        self = !isAnything ? .bestEffort : isGuaranteed ? .guaranteed : .burstable
    }

    private static func amounts(_ value: JSONValue?) -> [String: Quantity] {
        var amounts: [String: Quantity] = [:]
        for name in ["cpu", "memory"] {
            guard let text = value?[name], let amount = Quantity(json: text), amount != .zero else { continue }
            amounts[name] = amount
        }
        return amounts
    }
}
