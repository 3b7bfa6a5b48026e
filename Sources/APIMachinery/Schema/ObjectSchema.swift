import JSONTree
import Synchronization

/// The fields of an object. A reference, so that a type can contain itself; its fields are worked out once, when first asked for.
package final class ObjectSchema: Sendable {
    /// What OpenAPI calls this type; "" for an object that has no name of its own.
    package let name: String
    /// What the type is, for `kubectl explain`.
    package let summary: String
    /// Members that no field declares are kept without a word (`x-kubernetes-preserve-unknown-fields`).
    package let keepsUnknownFields: Bool
    private let build: @Sendable () -> [FieldSchema]
    private let table = AtomicLazyReference<Table>()

    private final class Table: Sendable {
        let fields: [FieldSchema]
        let defaultedFields: [FieldSchema]
        let unions: [String]

        init(_ fields: [FieldSchema]) {
            self.fields = fields
            defaultedFields = fields.filter { $0.defaultValue != nil }
            var unions: [String] = []
            for union in fields.compactMap(\.union) where !unions.contains(union) { unions.append(union) }
            self.unions = unions
        }
    }

    /// `build` may run more than once when two threads ask first at the same moment; one result is kept.
    package init(
        name: String = "", summary: String = "", keepsUnknownFields: Bool = false,
        build: @escaping @Sendable () -> [FieldSchema]
    ) {
        self.name = name
        self.summary = summary
        self.keepsUnknownFields = keepsUnknownFields
        self.build = build
    }

    package convenience init(
        name: String = "", summary: String = "", keepsUnknownFields: Bool = false, fields: [FieldSchema]
    ) {
        self.init(name: name, summary: summary, keepsUnknownFields: keepsUnknownFields) { fields }
    }

    /// Sorted by name, as the members of a `JSONObject` are: both are walked together.
    package var fields: [FieldSchema] { loaded.fields }

    /// Those that have a default, sorted by name.
    var defaultedFields: [FieldSchema] { loaded.defaultedFields }

    /// The names of the unions that fields belong to.
    package var unions: [String] { loaded.unions }

    /// O(log n).
    package subscript(_ name: String) -> FieldSchema? {
        let fields = loaded.fields
        var low = 0
        var high = fields.count
        while low < high {
            let middle = (low + high) / 2
            if fields[middle].name < name { low = middle + 1 } else { high = middle }
        }
        return low < fields.count && fields[low].name == name ? fields[low] : nil
    }

    private var loaded: Table {
        if let table = table.load() { return table }
        var seen: Set<String> = []
        let fields = build().filter { seen.insert($0.name).inserted }.sorted { $0.name < $1.name }
        return table.storeIfNil(Table(fields))
    }
}

extension ObjectSchema {
    /// One schema for each compiled-in type; grows to the number of types and no further.
    private static let compiled = Mutex<[ObjectIdentifier: ObjectSchema]>([:])

    /// The schema of a compiled-in type, from its field declarations. `leading` fields come before those and win over them.
    package static func of<Value: APIValue>(
        _ type: Value.Type, leading: @escaping @Sendable () -> [FieldSchema] = { [] }
    ) -> ObjectSchema {
        compiled.withLock { known in
            if let schema = known[ObjectIdentifier(type)] { return schema }
            let name = type.groupVersion.schemaName(of: type.typeName)
            let schema = ObjectSchema(name: name, summary: type.summary) {
                let declared = Mirror(reflecting: Value.fields).children.compactMap { $0.value as? any AnyField }
                return leading() + declared.map(FieldSchema.init)
            }
            known[ObjectIdentifier(type)] = schema
            return schema
        }
    }
}

extension APIValue {
    package static var schema: Schema { .object(.of(Self.self)) }
}
