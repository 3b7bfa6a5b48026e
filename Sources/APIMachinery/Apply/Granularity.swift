import JSONTree

/// A value's place in its schema, and into which parts server-side apply takes it: each part has its own owners.
struct Granularity {
    let schema: Schema
    private let rules: [Rule]

    init(_ schema: Schema, rules: [Rule] = []) {
        self.schema = schema
        self.rules = rules + schema.rules
    }

    struct Part {
        let element: String
        let value: JSONValue
        let place: Granularity
    }

    enum Container {
        case members
        case keyedItems
        case set
    }

    /// How a value is taken apart; nil: it is owned as a whole.
    func container(_ value: JSONValue) -> Container? {
        guard !rules.contains(.atomic) else { return nil }
        switch (schema.shape, value) {
        case (.object, .object), (.map, .object), (.any, .object): return .members
        case (.array, .array): return keys != nil ? .keyedItems : rules.contains(.set) ? .set : nil
        default: return nil
        }
    }

    /// Whether it is an object with keys of the user's choice: its being there is a fact of its own.
    var isMap: Bool {
        switch schema.shape {
        case .map, .any: true
        default: false
        }
    }

    private var keys: [String]? {
        rules.lazy.compactMap { if case .listMap(let keys) = $0 { keys } else { nil } }.first
    }

    /// The parts of a value; nil where it is owned as a whole, as is a list whose items cannot be told apart.
    func parts(of value: JSONValue) -> [Part]? {
        guard let container = container(value) else { return nil }
        switch (container, value) {
        case (.members, .object(let object)):
            return object.members.lazy.filter { !$0.value.isNull }.map { member in
                Part(element: "f:" + member.key, value: member.value, place: self.member(member.key))
            }
        case (.keyedItems, .array(let items)):
            return distinct(
                items.map { item in element(of: item).map { Part(element: $0, value: item, place: itemPlace) } })
        case (.set, .array(let items)):
            return distinct(items.map { Part(element: "v:" + $0.text, value: $0, place: itemPlace) })
        default: return nil
        }
    }

    func member(_ name: String) -> Granularity {
        switch schema.shape {
        case .object(let object): object[name].map { Granularity($0.schema, rules: $0.rules) } ?? Granularity(.any)
        case .map(let element): Granularity(element)
        default: Granularity(.any)
        }
    }

    private var itemPlace: Granularity {
        if case .array(let element) = schema.shape { Granularity(element) } else { Granularity(.any) }
    }

    /// `k:{"name":"web"}`; a key that the item lacks has its default. nil where nothing tells the item apart.
    private func element(of item: JSONValue) -> String? {
        guard let keys, case .object(let object) = item, case .array(let element) = schema.shape else { return nil }
        var identity = JSONObject()
        for key in keys {
            if let value = object[key] ?? element.object?[key]?.defaultValue, !value.isNull { identity[key] = value }
        }
        return identity.isEmpty ? nil : "k:" + JSONValue.object(identity).text
    }

    private func distinct(_ parts: [Part?]) -> [Part]? {
        var seen: Set<String> = []
        for part in parts {
            guard let part, seen.insert(part.element).inserted else { return nil }
        }
        return parts.compactMap { $0 }
    }

    /// Puts parts together again, in the given order.
    func value(of parts: [Part], like container: Container) -> JSONValue {
        switch container {
        case .members: .object(JSONObject(parts.map { (String($0.element.dropFirst(2)), $0.value) }))
        case .keyedItems, .set: .array(parts.map(\.value))
        }
    }
}
