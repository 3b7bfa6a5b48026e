import JSONTree

extension JSONPatch {
    /// The members that RFC 6902 gives the JSON form, for field validation; what they must hold `init` says.
    package static let schema = Schema.array(
        of: .object(ObjectSchema(fields: ["from", "op", "path", "value"].map { FieldSchema($0, "", .any) })))

    /// Reads the JSON form. Unknown members of an operation are ignored, as the RFC has it.
    package init(_ json: JSONValue) throws(PatchError) {
        guard case .array(let entries) = json else { throw .malformed("a JSON patch must be a list of operations") }
        guard entries.count <= Self.maximumOperations else {
            throw .malformed("\(entries.count) operations exceed the limit of \(Self.maximumOperations)")
        }
        var operations: [Operation] = []
        for entry in entries { operations.append(try Self.operation(entry)) }
        self.operations = operations
    }

    private static func operation(_ entry: JSONValue) throws(PatchError) -> Operation {
        guard case .object(let object) = entry, let name = object["op"]?.string else {
            throw .malformed("each operation must be an object with an \"op\"")
        }
        let path = try pointer("path", of: object, in: name)
        switch name {
        case "add": return .add(path, try value(of: object, in: name))
        case "remove": return .remove(path)
        case "replace": return .replace(path, try value(of: object, in: name))
        case "test": return .test(path, try value(of: object, in: name))
        case "move": return .move(from: try pointer("from", of: object, in: name), to: path)
        case "copy": return .copy(from: try pointer("from", of: object, in: name), to: path)
        default: throw .malformed("unknown operation \"\(name)\"")
        }
    }

    private static func pointer(
        _ member: String, of object: JSONObject, in name: String
    ) throws(PatchError) -> JSONPointer {
        guard let text = object[member]?.string else {
            throw .malformed("the operation \"\(name)\" needs a text as \"\(member)\"")
        }
        return try JSONPointer(text)
    }

    private static func value(of object: JSONObject, in name: String) throws(PatchError) -> JSONValue {
        guard let value = object["value"] else { throw .malformed("the operation \"\(name)\" needs a \"value\"") }
        return value
    }
}

extension JSONValue {
    /// What is at that place; throws where nothing is.
    func at(_ path: JSONPointer) throws(PatchError) -> JSONValue {
        var value = self
        for token in path.tokens {
            switch value {
            case .object(let object):
                guard let member = object[token] else { throw .inapplicable("\(path) is not there") }
                value = member
            case .array(let elements):
                guard let index = JSONPatch.arrayIndex(token), index < elements.count else {
                    throw .inapplicable("\(path) is not there")
                }
                value = elements[index]
            default: throw .inapplicable("\(path) is not there")
            }
        }
        return value
    }

    /// Replaces what is at the place that `tokens` lead to. Recursion is bounded by the depth of the value.
    mutating func edit(
        _ tokens: ArraySlice<String>, of path: JSONPointer,
        _ change: (consuming JSONValue) throws(PatchError) -> JSONValue
    ) throws(PatchError) {
        guard let token = tokens.first else {
            let old = self
            self = .null
            self = try change(old)
            return
        }
        switch self {
        case .object(var object):
            guard var member = object[token] else { throw .inapplicable("\(path) is not there") }
            self = .null
            object[token] = .some(.null)
            try member.edit(tokens.dropFirst(), of: path, change)
            object[token] = member
            self = .object(object)
        case .array(var elements):
            guard let index = JSONPatch.arrayIndex(token), index < elements.count else {
                throw .inapplicable("\(path) is not there")
            }
            self = .null
            try elements[index].edit(tokens.dropFirst(), of: path, change)
            self = .array(elements)
        default: throw .inapplicable("\(path) is not there")
        }
    }

    /// Equal as JSON: numbers by their amount, as far as they can be compared exactly.
    func isSame(as other: JSONValue) -> Bool {
        switch (self, other) {
        case (.integer(let left), .number(let right)), (.number(let right), .integer(let left)):
            Double(right).flatMap(Int64.init(exactly:)) == left
        case (.number(let left), .number(let right)): left == right || Double(left) == Double(right)
        case (.array(let left), .array(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.isSame(as: $1) }
        case (.object(let left), .object(let right)):
            left.count == right.count
                && zip(left.members, right.members).allSatisfy { $0.key == $1.key && $0.value.isSame(as: $1.value) }
        default: self == other
        }
    }

    /// How many levels of lists and objects it has, looking no further than `limit` + 1.
    func depth(limit: Int) -> Int {
        guard limit >= 0 else { return 0 }
        return switch self {
        case .array(let elements): 1 + (elements.lazy.map { $0.depth(limit: limit - 1) }.max() ?? 0)
        case .object(let object): 1 + (object.members.lazy.map { $0.value.depth(limit: limit - 1) }.max() ?? 0)
        default: 0
        }
    }

    /// About how many bytes of JSON it is; stops counting soon after `limit`.
    func weight(limit: Int) -> Int {
        guard limit > 0 else { return 1 }
        switch self {
        case .string(let text), .number(let text): return text.utf8.count + 2
        case .array(let elements):
            var sum = 2
            for element in elements where sum <= limit { sum += 1 + element.weight(limit: limit - sum) }
            return sum
        case .object(let object):
            var sum = 2
            for member in object.members where sum <= limit {
                sum += 4 + member.key.utf8.count + member.value.weight(limit: limit - sum)
            }
            return sum
        default: return 4
        }
    }
}
