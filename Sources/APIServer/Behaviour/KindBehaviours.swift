import APIMachinery
import JSONTree

/// The behaviour of each kind.
enum KindBehaviours {
    static func of(_ kind: ResourceKind) -> any KindBehaviour {
        switch (kind.group, kind.plural) {
        case ("", "pods"): PodBehaviour()
        case ("", "namespaces"): NamespaceBehaviour()
        case ("", "nodes"): NodeBehaviour()
        case ("", "events"): EventBehaviour()
        case ("", "services"): OrdinaryBehaviour(hasGeneration: false)
        case ("apps", "deployments"): DeploymentBehaviour()
        case ("discovery.k8s.io", "endpointslices"): OrdinaryBehaviour(hasGeneration: true)
        default: OrdinaryBehaviour(hasGeneration: kind.subresources.contains(.status))
        }
    }
}

/// Most kinds.
struct OrdinaryBehaviour: KindBehaviour {
    let hasGeneration: Bool
}

/// Its labels are the user's alone.
struct DeploymentBehaviour: KindBehaviour {
    var hasGeneration: Bool { true }
    var statusMetadata: [String] { ["annotations"] }
}

/// They own nothing, and end by themselves.
struct EventBehaviour: KindBehaviour {
    var isGarbageCollected: Bool { false }
}

/// A node brings its own status when it registers.
struct NodeBehaviour: KindBehaviour {
    var showsUnsavedStatus: Bool { true }
    var keepsNewStatus: Bool { true }
}

/// Whoever cleans a namespace up takes itself out of spec.finalizers through the finalize subresource; the last one lets the namespace go.
struct NamespaceBehaviour: KindBehaviour {
    func isHeldFromDeletion(_ object: JSONObject) -> Bool {
        object["spec"]?["finalizers"]?.array?.isEmpty == false
    }

    func beginDeletion(_ object: inout JSONObject) {
        object["status", "phase"] = "Terminating"
    }
}
