import APIMachinery
import JSONTree

/// The behaviour of each kind.
enum KindBehaviours {
    static func of(_ kind: ResourceKind) -> any KindBehaviour {
        switch (kind.group, kind.plural) {
        case ("", "pods"): PodBehaviour()
        case ("", "namespaces"): NamespaceBehaviour()
        case ("", "nodes"): NodeBehaviour()
        case ("", "services"): StatusClearing(hasGeneration: false)
        case ("discovery.k8s.io", "endpointslices"): EndpointSliceBehaviour()
        default: StatusClearing(hasGeneration: kind.subresources.contains(.status))
        }
    }
}

/// A kind whose status only controllers write: it is empty on a new object.
struct StatusClearing: KindBehaviour {
    let hasGeneration: Bool

    func prepareForCreate(_ object: inout JSONObject, now: Timestamp) {
        guard object["status"] != nil else { return }
        object["status"] = .object(JSONObject())
    }
}

/// A node brings its own status when it registers.
struct NodeBehaviour: KindBehaviour {
    var statusWritesMetadata: Bool { true }
}

/// Counts changes of its endpoints, though it has no status.
struct EndpointSliceBehaviour: KindBehaviour {
    var hasGeneration: Bool { true }
}
