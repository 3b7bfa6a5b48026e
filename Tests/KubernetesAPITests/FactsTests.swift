import APIMachinery
import Glibc
import JSONTree
import KubernetesAPI
import Testing

/// Compares the declarations with the facts of Kubernetes 1.36: SWIFTLET_API_FACTS names the file.
@Suite struct FactsTests {
    static let path = getenv("SWIFTLET_API_FACTS").map { String(cString: $0) }

    @Test(.enabled(if: path != nil, "SWIFTLET_API_FACTS names no file of API facts"))
    func declarationsMatchTheFacts() throws {
        let facts = try JSONValue(parsing: try Self.read(#require(Self.path)))
        let types = try #require(facts["types"]?.object)
        var compared = 0
        for (name, schema) in Self.roots {
            let differences = Comparison(types: types).compare(schema, with: name, count: &compared)
            #expect(differences == [])
        }
        #expect(compared > 900)
    }

    private static let roots: [(String, Schema)] = [
        ("core.v1.Namespace", Namespace.schema), ("core.v1.Node", Node.schema), ("core.v1.Pod", Pod.schema),
        ("core.v1.Service", Service.schema), ("core.v1.Endpoints", Endpoints.schema),
        ("core.v1.ConfigMap", ConfigMap.schema), ("core.v1.Secret", Secret.schema),
        ("core.v1.ServiceAccount", ServiceAccount.schema), ("core.v1.Event", Event.schema),
        ("core.v1.Binding", Binding.schema), ("events.v1.Event", ReportedEvent.schema),
        ("coordination.v1.Lease", Lease.schema), ("discovery.v1.EndpointSlice", EndpointSlice.schema),
        ("apps.v1.Deployment", Deployment.schema), ("apps.v1.ReplicaSet", ReplicaSet.schema),
        ("apps.v1.ControllerRevision", ControllerRevision.schema), ("autoscaling.v1.Scale", Scale.schema),
        ("policy.v1.Eviction", Eviction.schema), ("meta.v1.DeleteOptions", DeleteOptions.schema),
    ]

    private static func read(_ path: String) throws -> [UInt8] {
        let file = try #require(fopen(path, "r"))
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
        return bytes
    }
}

/// Walks a schema and the facts side by side.
private struct Comparison {
    let types: JSONObject

    func compare(_ schema: Schema, with type: String, count: inout Int) -> [String] {
        var done: Set<String> = []
        return compare(schema, type, &done, &count)
    }

    private func compare(_ schema: Schema, _ type: String, _ done: inout Set<String>, _ count: inout Int) -> [String] {
        guard done.insert(type).inserted, let object = schema.object else { return [] }
        let facts = types[type]?["fields"]?.object ?? JSONObject()
        let declared = Set(object.fields.map { $0.name })
        var differences = Set(facts.keys).symmetricDifference(declared).map { "\(type).\($0) is on one side only" }
        let place = type.hasPrefix("meta.") ? "io.k8s.apimachinery.pkg.apis." : "io.k8s.api."
        if !object.name.isEmpty, object.name != place + type { differences.append("\(type): named \(object.name)") }
        for field in object.fields {
            guard let fact = facts[field.name] else { continue }
            count += 1
            let isRequired = fact["required"]?.bool ?? false
            if isRequired != field.isRequired, field.name != "metadata" {
                differences.append("\(type).\(field.name): required")
            }
            let text = fact["type"] ?? (fact.object == nil ? fact : nil)
            guard let text else { continue }
            differences += compare(field, text, "\(type).\(field.name)", &done, &count)
        }
        return differences.sorted()
    }

    private func compare(
        _ field: FieldSchema, _ fact: JSONValue, _ path: String, _ done: inout Set<String>, _ count: inout Int
    ) -> [String] {
        guard fits(field.schema, fact) else { return ["\(path): type"] }
        var schema = field.schema
        var named = fact
        while case .array(let parts) = named, let last = parts.last {
            switch schema.shape {
            case .array(let element), .map(let element): schema = element
            default: break
            }
            named = last
        }
        guard let type = named.string, types[type] != nil else { return [] }
        return compare(schema, type, &done, &count)
    }

    private func fits(_ schema: Schema, _ fact: JSONValue) -> Bool {
        if case .array(let parts) = fact, let element = parts.last {
            switch (schema.shape, parts.first?.string) {
            case (.array(let item), "list"), (.map(let item), "map"): return fits(item, element)
            default: return false
            }
        }
        return switch (schema.shape, fact.string) {
        case (.string, "string"), (.boolean, "boolean"), (.integer32, "integer:int32"), (.integer64, "integer:int64"),
            (.bytes, "string:byte"), (.timestamp, "meta.v1.Time"), (.microTime, "meta.v1.MicroTime"),
            (.intOrString, "IntOrString"), (.quantity, "Quantity"), (.any, "RawExtension"),
            (.map, "meta.v1.FieldsV1"):
            true
        case (.object, let name?): types[name] != nil
        default: false
        }
    }
}
