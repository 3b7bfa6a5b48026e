import JSONTree

/// A list of operations on a JSON value (RFC 6902). All are applied or none.
package struct JSONPatch: Sendable, Hashable {
    package enum Operation: Sendable, Hashable {
        case add(JSONPointer, JSONValue)
        case remove(JSONPointer)
        case replace(JSONPointer, JSONValue)
        case move(from: JSONPointer, to: JSONPointer)
        case copy(from: JSONPointer, to: JSONPointer)
        case test(JSONPointer, JSONValue)
    }

    /// More operations than this are refused.
    package static let maximumOperations = 10_000
    /// What all copies together may add, in bytes of JSON, roughly: more is refused.
    package static let maximumCopied = 3 << 20
    /// A result nested deeper than this is refused.
    package static let maximumDepth = 256

    package var operations: [Operation]

    package init(_ operations: [Operation]) {
        self.operations = operations
    }

    package func apply(to value: JSONValue) throws(PatchError) -> JSONValue {
        var result = value
        var copied = 0
        for operation in operations {
            try Self.apply(operation, to: &result, copied: &copied)
        }
        return result
    }

    private static func apply(
        _ operation: Operation, to value: inout JSONValue, copied: inout Int
    ) throws(PatchError) {
        switch operation {
        case .add(let path, let new): try add(new, at: path, to: &value)
        case .remove(let path): _ = try remove(path, from: &value)
        case .replace(let path, let new):
            try checkDepth(new, at: path)
            try value.edit(path.tokens[...], of: path) { _ throws(PatchError) in new }
        case .move(let source, let target):
            guard !source.contains(target) || source == target else {
                throw .inapplicable("cannot move \(source) into itself")
            }
            try add(try remove(source, from: &value), at: target, to: &value)
        case .copy(let source, let target):
            let new = try value.at(source)
            copied += new.weight(limit: maximumCopied)
            guard copied <= maximumCopied else { throw .inapplicable("its copies exceed \(maximumCopied) bytes") }
            try add(new, at: target, to: &value)
        case .test(let path, let expected):
            guard try value.at(path).isSame(as: expected) else { throw .inapplicable("the test of \(path) failed") }
        }
    }

    private static func checkDepth(_ value: JSONValue, at path: JSONPointer) throws(PatchError) {
        guard path.tokens.count + value.depth(limit: maximumDepth) <= maximumDepth else {
            throw .inapplicable("the result is nested deeper than \(maximumDepth) levels")
        }
    }

    private static func add(
        _ new: JSONValue, at path: JSONPointer, to value: inout JSONValue
    ) throws(PatchError) {
        try checkDepth(new, at: path)
        guard let last = path.tokens.last else {
            value = new
            return
        }
        try value.edit(path.tokens.dropLast(), of: path) { parent throws(PatchError) in
            switch parent {
            case .object(var object):
                object[last] = new
                return .object(object)
            case .array(var elements):
                guard let index = last == "-" ? elements.count : arrayIndex(last), index <= elements.count else {
                    throw .inapplicable("\(path) is outside the list")
                }
                elements.insert(new, at: index)
                return .array(elements)
            default: throw .inapplicable("\(path) is not inside an object or a list")
            }
        }
    }

    private static func remove(_ path: JSONPointer, from value: inout JSONValue) throws(PatchError) -> JSONValue {
        let removed = try value.at(path)
        guard let last = path.tokens.last else {
            throw .inapplicable("the whole object cannot be removed")
        }
        try value.edit(path.tokens.dropLast(), of: path) { parent throws(PatchError) in
            switch parent {
            case .object(var object):
                object[last] = JSONValue?.none
                return .object(object)
            case .array(var elements):
                if let index = arrayIndex(last), elements.indices.contains(index) { elements.remove(at: index) }
                return .array(elements)
            default: return parent
            }
        }
        return removed
    }

    /// A decimal number without sign and leading zeros.
    static func arrayIndex(_ token: String) -> Int? {
        guard token == "0" || token.utf8.first != UInt8(ascii: "0"), token.utf8.count <= 9,
            token.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return Int(token)
    }
}
