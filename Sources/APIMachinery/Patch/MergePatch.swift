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
}
