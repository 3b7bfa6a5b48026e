import JSONTree

extension SchemaCheck {
    /// Applies one of some rules. A rule for single values holds for each item of a list and each value of a map.
    mutating func apply(_ rule: Rule, of rules: [Rule], to value: JSONValue) {
        switch rule {
        case .minItems(let least): checkCount(value, atLeast: least)
        case .maxItems(let most): checkCount(value, atMost: most)
        case .keyFormat(let format): checkKeys(of: value, format)
        case .set: checkDistinct(value)
        case .listMap(let keys): if !rules.contains(.repeatable) { checkDistinct(value, by: keys) }
        case .minimum, .maximum, .minLength, .maxLength, .oneOf, .format:
            each(of: value) { $0.applySingle(rule, of: rules, to: $1) }
        case .required, .mergeKey, .mergeItems, .retainKeys, .atomic, .union, .immutable, .repeatable, .confidential:
            break
        }
    }

    private mutating func each(of value: JSONValue, _ body: (inout SchemaCheck, JSONValue) -> Void) {
        switch value {
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                path.push(.index(index))
                body(&self, element)
                path.pop()
            }
        case .object(let object):
            for member in object.members {
                path.push(.key(member.key))
                body(&self, member.value)
                path.pop()
            }
        default: body(&self, value)
        }
    }

    private mutating func applySingle(_ rule: Rule, of rules: [Rule], to value: JSONValue) {
        switch (rule, value) {
        case (.minimum(let least), .integer(let number)) where number < least:
            let why = Self.range(rules) ?? "must be greater than or equal to \(least)"
            fail(.invalid(path.description, value, why))
        case (.maximum(let most), .integer(let number)) where number > most:
            let why = Self.range(rules) ?? "must be less than or equal to \(most)"
            fail(.invalid(path.description, value, why))
        case (.minLength(let least), .string(let text)) where text.utf8.count < least:
            fail(.invalid(path.description, value, "must have at least \(least) bytes"))
        case (.maxLength(let most), .string(let text)) where text.utf8.count > most:
            fail(.tooLong(path.description, most))
        case (.oneOf(let choices), .string(let text)) where !choices.contains(text):
            fail(.notSupported(path.description, value, choices))
        case (.format(let format), .string(let text)):
            if let why = format.mismatch(text) { fail(.invalid(path.description, value, why)) }
        default: break
        }
    }

    /// Where both ends are bounded, one sentence for both.
    private static func range(_ rules: [Rule]) -> String? {
        let least = rules.lazy.compactMap { if case .minimum(let least) = $0 { least } else { nil } }.first
        let most = rules.lazy.compactMap { if case .maximum(let most) = $0 { most } else { nil } }.first
        guard let least, let most else { return nil }
        return "must be between \(least) and \(most), inclusive"
    }

    private mutating func checkCount(_ value: JSONValue, atLeast least: Int) {
        guard let count = count(of: value), count < least else { return }
        fail(.invalid(path.description, .integer(Int64(count)), "must have at least \(least) items"))
    }

    private mutating func checkCount(_ value: JSONValue, atMost most: Int) {
        guard let count = count(of: value), count > most else { return }
        fail(.tooMany(path.description, count, most))
    }

    private func count(of value: JSONValue) -> Int? {
        value.array?.count ?? value.object?.count
    }

    private mutating func checkKeys(of value: JSONValue, _ format: Rule.Format) {
        guard case .object(let object) = value else { return }
        for member in object.members {
            guard let why = format.mismatch(member.key) else { continue }
            path.push(.key(member.key))
            fail(.invalid(path.description, .string(member.key), why))
            path.pop()
        }
    }

    private mutating func checkDistinct(_ value: JSONValue) {
        guard case .array(let elements) = value, elements.count > 1 else { return }
        var seen: Set<JSONValue> = []
        for (index, element) in elements.enumerated() where !seen.insert(element).inserted {
            path.push(.index(index))
            fail(.duplicate(path.description, element))
            path.pop()
        }
    }

    private mutating func checkDistinct(_ value: JSONValue, by keys: [String]) {
        guard case .array(let elements) = value, elements.count > 1 else { return }
        var seen: Set<[JSONValue]> = []
        for (index, element) in elements.enumerated() {
            let identity = keys.map { element[$0] ?? .null }
            guard !seen.insert(identity).inserted else { continue }
            path.push(.index(index))
            if keys.count == 1 { path.push(.field(keys[0])) }
            let shown = keys.count == 1 ? identity[0] : .object(JSONObject(zip(keys, identity)))
            fail(.init(.duplicate, path.description, value: FieldError.shown(flat: shown)))
            if keys.count == 1 { path.pop() }
            path.pop()
        }
    }
}
