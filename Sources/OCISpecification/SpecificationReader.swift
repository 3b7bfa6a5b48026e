import JSONTree

/// Reads fields of a specification file: absent or null gives nil, a wrong type an error that names file and field. Fields that nobody asks
/// for are passed over, as the specifications demand.
package struct SpecificationReader {
    private let object: JSONObject
    private let file: String
    private let prefix: String

    package init(_ value: JSONValue, file: String) throws(OCIError) {
        try self.init(value, file: file, field: "")
    }

    private init(_ value: JSONValue, file: String, field: String) throws(OCIError) {
        guard case .object(let object) = value else {
            throw .field(file: file, field: field, cause: "it must be an object")
        }
        self.object = object
        self.file = file
        prefix = field.isEmpty ? "" : field + "."
    }

    // What is absent is nil; a value of another kind is an error that names its field.

    package func object(_ name: String) throws(OCIError) -> SpecificationReader? {
        guard let value = value(name) else { return nil }
        return try SpecificationReader(value, file: file, field: prefix + name)
    }

    /// The elements of a list of objects; none where it is absent.
    package func objects(_ name: String) throws(OCIError) -> [SpecificationReader] {
        var result: [SpecificationReader] = []
        for (index, element) in (try array(name) ?? []).enumerated() {
            result.append(try SpecificationReader(element, file: file, field: prefix + "\(name)[\(index)]"))
        }
        return result
    }

    package func string(_ name: String) throws(OCIError) -> String? {
        guard let value = value(name) else { return nil }
        guard case .string(let text) = value else { throw failure(name, "it must be a string") }
        return text
    }

    package func required(_ name: String) throws(OCIError) -> String {
        guard let text = try string(name) else { throw failure(name, "it is missing") }
        return text
    }

    package func bool(_ name: String) throws(OCIError) -> Bool? {
        guard let value = value(name) else { return nil }
        guard case .bool(let flag) = value else { throw failure(name, "it must be true or false") }
        return flag
    }

    package func integer(_ name: String) throws(OCIError) -> Int64? {
        guard let value = value(name) else { return nil }
        guard case .integer(let number) = value else { throw failure(name, "it must be a whole number") }
        return number
    }

    /// A whole number within the type's bounds.
    package func number<Number: FixedWidthInteger>(_ name: String) throws(OCIError) -> Number? {
        guard let value = value(name) else { return nil }
        var number: Number?
        if case .integer(let integer) = value { number = Number(exactly: integer) }
        // Beyond 63 bits the parser keeps the text.
        if case .number(let text) = value { number = Number(text) }
        guard let number else { throw failure(name, "it must be a whole number from \(Number.min) to \(Number.max)") }
        return number
    }

    /// The same for a field that must be there.
    package func needed<Number: FixedWidthInteger>(_ name: String) throws(OCIError) -> Number {
        guard let number: Number = try number(name) else { throw failure(name, "it is missing") }
        return number
    }

    /// One of a few words.
    package func choice(_ name: String, of words: [String]) throws(OCIError) -> String? {
        guard let text = try string(name) else { return nil }
        guard words.contains(text) else {
            let known = words.filter { !$0.isEmpty }.joined(separator: ", ")
            throw failure(name, "\"\(text)\" is not known; there are \(known)")
        }
        return text
    }

    /// The names of all fields that are there.
    package var names: [String] { object.members.map { $0.key } }

    package func integers(_ name: String) throws(OCIError) -> [Int64]? {
        guard let elements = try array(name) else { return nil }
        var result: [Int64] = []
        for (index, element) in elements.enumerated() {
            guard case .integer(let number) = element else {
                throw failure("\(name)[\(index)]", "it must be a whole number")
            }
            result.append(number)
        }
        return result
    }

    package func strings(_ name: String) throws(OCIError) -> [String]? {
        guard let elements = try array(name) else { return nil }
        var result: [String] = []
        for (index, element) in elements.enumerated() {
            guard case .string(let text) = element else { throw failure("\(name)[\(index)]", "it must be a string") }
            result.append(text)
        }
        return result
    }

    package func stringMap(_ name: String) throws(OCIError) -> [String: String]? {
        guard let reader = try object(name) else { return nil }
        var result: [String: String] = [:]
        for member in reader.object.members { result[member.key] = try reader.string(member.key) ?? "" }
        return result
    }

    package func failure(_ name: String, _ cause: String) -> OCIError {
        .field(file: file, field: prefix + name, cause: cause)
    }

    private func array(_ name: String) throws(OCIError) -> [JSONValue]? {
        guard let value = value(name) else { return nil }
        guard case .array(let elements) = value else { throw failure(name, "it must be a list") }
        return elements
    }

    private func value(_ name: String) -> JSONValue? {
        guard let value = object[name], !value.isNull else { return nil }
        return value
    }
}
