import APIMachinery
import JSONTree
import KubernetesAPI

/// Another form in which a stored kind is served: some fields of its objects have other names there.
struct ServedForm: Sendable {
    let definition: KindDefinition
    let stored: ResourceKind
    /// Fields of the object by their names in this form, with the stored ones.
    private let names: [(served: String, stored: String)]

    var kind: ResourceKind { definition.kind }

    static let all = [events]

    private static let events = ServedForm(
        definition: Kinds.reportedEvent, stored: Event.kind,
        names: [
            ("note", "message"), ("regarding", "involvedObject"), ("reportingController", "reportingComponent"),
            ("deprecatedSource", "source"), ("deprecatedCount", "count"),
            ("deprecatedFirstTimestamp", "firstTimestamp"), ("deprecatedLastTimestamp", "lastTimestamp"),
        ])

    /// nil where the path names a resource in its stored form.
    static func of(_ path: ResourcePath) -> ServedForm? {
        all.first { path.group == $0.kind.group && path.version == $0.kind.version && path.resource == $0.kind.plural }
    }

    func served(_ object: JSONObject) -> JSONObject {
        var object = renamed(object, names.map { ($0.stored, $0.served) })
        object["apiVersion"] = .string(kind.apiVersion)
        object["kind"] = .string(kind.kind)
        return object
    }

    func stored(_ object: JSONObject) -> JSONObject {
        var object = renamed(object, names.map { ($0.served, $0.stored) })
        object["apiVersion"] = .string(stored.apiVersion)
        object["kind"] = .string(stored.kind)
        return object
    }

    private func renamed(_ object: JSONObject, _ names: [(from: String, to: String)]) -> JSONObject {
        var result = object
        for name in names {
            result[name.from] = nil
            result[name.to] = object[name.from]
        }
        return result
    }

    /// The path of a field in the stored form; nil where this form has none of that name.
    func storedPath(_ path: String) -> String? {
        var steps = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard let first = steps.first, !names.contains(where: { $0.stored == first }) else { return nil }
        if let name = names.first(where: { $0.served == first }) { steps[0] = name.stored }
        return steps.joined(separator: ".")
    }

    /// Throws 422 where an object, in its stored form, lacks what this form demands of new ones, or changes what this form lets nobody change.
    func check(_ object: JSONObject, old: JSONObject?) throws(Status) {
        let new = served(object)
        var faults = old == nil ? definition.schema.check(.object(new)).filter { $0.kind == .required } : []
        faults += definition.validate(new, old.map(served))
        guard faults.isEmpty else {
            throw .invalid(group: kind.group, kind: kind.kind, name: object.name, faults)
        }
    }
}
