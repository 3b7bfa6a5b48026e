import APIMachinery
import JSONTree

/// Makes objects that fit a schema's shapes and nothing else: extreme numbers, odd texts, empty and long lists, fields missing at random. Whoever
/// reads objects must survive them. A seed replays them.
package struct WildValues {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    }

    /// An object with some of the schema's fields.
    package mutating func object(_ schema: Schema) -> JSONObject {
        value(schema, depth: 0).object ?? JSONObject()
    }

    private mutating func next(below bound: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(bound))
    }

    private mutating func pick<Value>(_ values: [Value]) -> Value {
        values[next(below: values.count)]
    }

    private mutating func value(_ schema: Schema, depth: Int) -> JSONValue {
        switch schema.shape {
        case .string: return .string(text(schema.rules))
        case .boolean: return .bool(next(below: 2) == 0)
        case .integer32: return .integer(pick([0, 1, -1, 2, 80, 65_535, Int64(Int32.max), Int64(Int32.min)]))
        case .integer64: return .integer(pick([0, 1, -1, 30, .max, .min, .max - 1]))
        case .number: return .number(pick(["0.5", "1e300", "-1e-300"]))
        case .intOrString: return pick([0, 1, -1, 2_147_483_647, "25%", "2147483647%", "-5%", "http", "", "%"])
        case .quantity:
            return pick(["0", "100m", "1", "64Mi", "9223372036854775807", "-9E", "1e30", "1n", "1000000000000Ei"])
        case .timestamp, .microTime:
            return pick([
                "1970-01-01T00:00:00Z", "2026-11-22T20:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z",
            ])
        case .bytes: return pick(["", "AA==", "aGVsbG8="])
        case .any: return pick([.null, 1, "text", [:], []])
        case .array(let element): return .array((0..<count(depth)).map { _ in value(element, depth: depth + 1) })
        case .map(let element):
            return .object(JSONObject((0..<count(depth)).map { _ in (text([]), value(element, depth: depth + 1)) }))
        case .object(let object):
            var result = JSONObject()
            // Deep down only what is there must be: else objects grow without end.
            let chance = depth < 3 ? 2 : 4
            for field in object.fields where field.isRequired || next(below: chance) == 0 {
                var schema = field.schema
                schema.rules += field.rules
                result[field.name] = value(schema, depth: depth + 1)
            }
            return .object(result)
        }
    }

    private mutating func count(_ depth: Int) -> Int {
        depth > 8 ? 0 : pick([0, 1, 1, 2, 3])
    }

    private mutating func text(_ rules: [Rule]) -> String {
        for rule in rules {
            if case .oneOf(let values) = rule, next(below: 8) > 0 { return pick(values) }
        }
        return pick([
            "", "a", "web", "app", "nginx:1", "a/b:c@d", ":", "/", "//", "..", "ü\u{301}🚀", "None", "0", "-1",
            "99999999999999999999", "kubernetes.io/x", "metadata.name", String(repeating: "x", count: 300), "10.0.0.1",
            "::1", "%", "$(A)", "node.kubernetes.io/not-ready",
        ])
    }
}
