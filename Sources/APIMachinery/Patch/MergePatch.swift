import JSONTree

/// JSON merge patch (RFC 7386): objects are merged, null removes, all else replaces.
package enum MergePatch {
    /// Cannot fail. Recursion is bounded by the depth of the patch, which the parser bounds.
    package static func apply(_ patch: JSONValue, to value: JSONValue) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        var result = value.object ?? JSONObject()
        for change in changes.members {
            if change.value.isNull {
                result[change.key] = JSONValue?.none
            } else {
                result[change.key] = apply(change.value, to: result[change.key] ?? .null)
            }
        }
        return .object(result)
    }

    /// The patch that makes `new` of `old`. Members of `new` that are null themselves cannot be told from removals, and come out absent.
    package static func difference(from old: JSONValue, to new: JSONValue) -> JSONValue {
        guard case .object(let before) = old, case .object(let after) = new else { return new }
        var patch = JSONObject()
        for member in before.members where after[member.key] == nil { patch[member.key] = .some(.null) }
        for member in after.members {
            guard let known = before[member.key] else {
                patch[member.key] = member.value
                continue
            }
            if known != member.value { patch[member.key] = difference(from: known, to: member.value) }
        }
        return .object(patch)
    }
}
