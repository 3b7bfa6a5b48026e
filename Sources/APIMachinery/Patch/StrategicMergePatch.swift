import JSONTree

/// Kubernetes' strategic merge patch: a merge patch that also merges lists, by the keys that the schema declares, and that knows directives.
///
/// - `$patch: replace` in an object (or as an item of a list) replaces it as a whole; `$patch: delete` in an item removes it.
/// - `$deleteFromPrimitiveList/field` removes values from a list of scalars.
/// - `$setElementOrder/field` orders a merged list.
/// - `$retainKeys` removes all other fields of an object.
///
/// Recursion is bounded by the depth of the patch and the value, which the parser bounds.
package enum StrategicMergePatch {
    static let directive = "$patch"
    static let retainKeys = "$retainKeys"
    static let deletePrefix = "$deleteFromPrimitiveList/"
    static let orderPrefix = "$setElementOrder/"

    package static func apply(
        _ patch: JSONValue, to value: JSONValue, schema: Schema
    ) throws(PatchError) -> JSONValue {
        guard case .object(let patch) = patch else { throw .malformed("a strategic merge patch must be an object") }
        return .object(try merge(patch, into: value.object ?? JSONObject(), schema))
    }

    /// `schema` is nil where nothing is known of the object: its lists are then replaced.
    static func merge(
        _ patch: JSONObject, into value: JSONObject, _ schema: Schema?
    ) throws(PatchError) -> JSONObject {
        if let directive = patch[directive] {
            switch directive.string {
            case "replace": return withoutDirectives(patch, removing: Self.directive)
            case "delete": return JSONObject()
            default: throw .malformed("unknown value \(FieldError.shown(directive)) of \(Self.directive)")
            }
        }
        var result = value
        if let kept = patch[retainKeys] { try retain(kept, of: patch, in: &result) }
        for member in patch.members where !member.key.hasPrefix("$") {
            let field = MergedField(member.key, in: schema)
            result[member.key] = try merged(member.value, into: result[member.key], field)
        }
        for member in patch.members where member.key.hasPrefix(deletePrefix) {
            try delete(member.value, from: String(member.key.dropFirst(deletePrefix.count)), of: &result)
        }
        for member in patch.members where member.key.hasPrefix(orderPrefix) {
            let name = String(member.key.dropFirst(orderPrefix.count))
            let field = MergedField(name, in: schema)
            try order(member.value, name, field, of: &result, live: value[name])
        }
        return result
    }

    /// nil where the patch removes the field.
    private static func merged(
        _ patch: JSONValue, into value: JSONValue?, _ field: MergedField
    ) throws(PatchError) -> JSONValue? {
        switch (patch, value) {
        case (.null, _): return JSONValue?.none
        case (.object(let patch), .object(let object)):
            return .object(try merge(patch, into: object, field.schema))
        case (.object(let patch), _):
            // As into an empty one, so that the directives inside mean what they say and none is stored.
            return patch[directive] == "delete" ? nil : .object(try merge(patch, into: JSONObject(), field.schema))
        case (.array(let items), .array(let elements)) where field.isMerged:
            return .array(try StrategicList(field).merge(items, into: elements))
        case (.array(let items), _):
            return .array(field.isMerged ? try StrategicList(field).merge(items, into: []) : items.map(stripped))
        default: return patch
        }
    }

    private static func retain(
        _ kept: JSONValue, of patch: JSONObject, in result: inout JSONObject
    ) throws(PatchError) {
        guard let names = [String](json: kept) else { throw .malformed("\(retainKeys) must be a list of names") }
        for member in patch.members
        where !member.key.hasPrefix("$") && !member.value.isNull && !names.contains(member.key) {
            throw .malformed("\(retainKeys) does not name \(member.key), which the patch sets")
        }
        result.update { key, _ in names.contains(key) }
    }

    private static func delete(
        _ values: JSONValue, from name: String, of result: inout JSONObject
    ) throws(PatchError) {
        guard case .array(let values) = values else { throw .malformed("\(deletePrefix)\(name) must be a list") }
        guard case .array(let elements)? = result[name] else { return }
        let gone = Set(values)
        result[name] = .array(elements.filter { !gone.contains($0) })
    }

    private static func order(
        _ order: JSONValue, _ name: String, _ field: MergedField, of result: inout JSONObject, live: JSONValue?
    ) throws(PatchError) {
        guard case .array(let order) = order else { throw .malformed("\(orderPrefix)\(name) must be a list") }
        guard case .array(let elements)? = result[name] else { return }
        result[name] = .array(StrategicList(field).ordered(elements, as: order, live: live?.array ?? []))
    }

    /// A value as it is stored: what directives it holds are taken out.
    static func stripped(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let object): .object(withoutDirectives(object))
        case .array(let elements): .array(elements.map(stripped))
        default: value
        }
    }

    private static func withoutDirectives(_ object: JSONObject, removing extra: String = "") -> JSONObject {
        var result = object
        result.update { key, value in
            guard key != directive, key != retainKeys, key != extra, !key.hasPrefix(deletePrefix),
                !key.hasPrefix(orderPrefix), !value.isNull
            else { return false }
            value = stripped(value)
            return true
        }
        return result
    }
}

/// How one field takes part in a strategic merge.
struct MergedField {
    /// Of the field's value.
    let schema: Schema?
    /// The list's items are told apart by this field.
    let mergeKey: String?
    /// The list's items are scalars that are added.
    let mergesItems: Bool

    init(_ name: String, in parent: Schema?) {
        switch parent?.shape {
        case .object(let object):
            let field = object[name]
            schema = field?.schema
            let rules = field?.rules ?? []
            mergeKey = rules.lazy.compactMap { if case .mergeKey(let key) = $0 { key } else { nil } }.first
            mergesItems = rules.contains(.mergeItems)
        case .map(let element):
            (schema, mergeKey, mergesItems) = (element, nil, false)
        default:
            (schema, mergeKey, mergesItems) = (nil, nil, false)
        }
    }

    var isMerged: Bool { mergeKey != nil || mergesItems }

    /// Of the list's items.
    var element: Schema? {
        if case .array(let element) = schema?.shape { element } else { nil }
    }
}
