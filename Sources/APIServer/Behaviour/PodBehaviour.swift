import APIMachinery
import JSONTree

struct PodBehaviour: KindBehaviour {
    var hasGeneration: Bool { true }

    /// A pod that no node has, or that has ended, goes at once.
    func gracePeriod(_ object: JSONObject, requested: Int64?) -> Int64? {
        if object["spec"]?["nodeName"]?.string ?? "" == "" { return 0 }
        if ["Succeeded", "Failed"].contains(object["status"]?["phase"]?.string) { return 0 }
        if let requested { return requested }
        let grace = object["spec"]?["terminationGracePeriodSeconds"]?.integer ?? 30
        return grace < 0 ? 1 : grace
    }
}
