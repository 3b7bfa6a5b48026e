import APIMachinery
import JSONTree

struct NamespaceBehaviour: KindBehaviour {
    /// Whoever cleans the namespace up removes itself from spec.finalizers through the finalize subresource.
    func prepareForCreate(_ object: inout JSONObject, now: Timestamp) {
        object["status"] = ["phase": "Active"]
        object["spec", "finalizers"] = ["kubernetes"]
        object[metadata: "labels"] = labels(object)
    }

    func prepareForUpdate(_ object: inout JSONObject, old: JSONObject) {
        object["spec", "finalizers"] = old["spec"]?["finalizers"]
        object[metadata: "labels"] = labels(object)
    }

    func isHeldFromDeletion(_ object: JSONObject) -> Bool {
        object["spec"]?["finalizers"]?.array?.isEmpty == false
    }

    func beginDeletion(_ object: inout JSONObject) {
        object["status", "phase"] = "Terminating"
    }

    /// Every namespace bears its name as a label, for selectors.
    private func labels(_ object: JSONObject) -> JSONValue {
        var labels = object[metadata: "labels"]?.object ?? JSONObject()
        labels["kubernetes.io/metadata.name"] = .string(object.name)
        return .object(labels)
    }
}
