import APIMachinery
import JSONTree

/// A write as admission sees it.
struct AdmissionRequest: Sendable {
    enum Operation: Sendable { case create, update, delete }

    let operation: Operation
    let resource: Resource
    /// nil: the object itself.
    let subresource: String?
    let namespace: String?
    let name: String
    let identity: Identity
    let isDryRun: Bool
    /// What the name begins with where the server makes the rest of it.
    var namePrefix: String? = nil

    /// The name as a refusal tells it: the same each time a request is made again.
    var shownName: String { namePrefix ?? name }

    func concerns(_ group: String, _ plural: String) -> Bool {
        resource.kind.group == group && resource.kind.plural == plural
    }
}

/// A rule on writes that looks beyond the object: at other objects, and at who writes.
protocol AdmissionRule: Sendable {
    /// Changes the object on its way in. Running it twice changes nothing more.
    func mutate(_ object: inout JSONObject, old: JSONObject?, _ request: AdmissionRequest) throws(Status)
    /// Refuses by throwing. For a deletion `object` is empty and `old` the object that goes.
    func validate(_ object: JSONObject, old: JSONObject?, _ request: AdmissionRequest) throws(Status)
}

extension AdmissionRule {
    func mutate(_ object: inout JSONObject, old: JSONObject?, _ request: AdmissionRequest) throws(Status) {}
    func validate(_ object: JSONObject, old: JSONObject?, _ request: AdmissionRequest) throws(Status) {}
}

/// The rules, in the order they are asked.
struct AdmissionChain: Sendable {
    let rules: [any AdmissionRule]

    func mutate(_ object: inout JSONObject, old: JSONObject?, _ request: AdmissionRequest) throws(Status) {
        for rule in rules { try rule.mutate(&object, old: old, request) }
    }

    func validate(_ object: JSONObject, old: JSONObject?, _ request: AdmissionRequest) throws(Status) {
        for rule in rules { try rule.validate(object, old: old, request) }
    }
}
