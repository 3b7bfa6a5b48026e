import JSONTree

/// An OpenAPI document of version 2 as the message `openapi.v2.Document`, which kubectl reads. Field numbers as in gnostic's OpenAPIv2.proto; what the
/// documents of this server do not hold is not here. Values without a fixed form (defaults, extensions) travel as YAML, of which JSON is a part.
enum OpenAPIProtobuf {
    static func bytes(of document: JSONObject) -> [UInt8] {
        var message = ProtobufWriter()
        message.text(1, document["swagger"])
        message.message(2) {
            $0.text(1, document["info"]?["title"])
            $0.text(2, document["info"]?["version"])
        }
        message.message(8) { paths in
            for path in document["paths"].members {
                paths.named(2, path.key) { $0.pathItem(path.value) }
            }
        }
        message.message(9) { definitions in
            for definition in document["definitions"].members {
                definitions.named(1, definition.key) { $0.schema(definition.value) }
            }
        }
        return message.bytes
    }
}

extension ProtobufWriter {
    private static let verbs: [(String, Int)] = [("get", 2), ("put", 3), ("post", 4), ("delete", 5), ("patch", 8)]

    fileprivate mutating func pathItem(_ item: JSONValue) {
        for (verb, number) in Self.verbs {
            if let operation = item[verb] { message(number) { $0.operation(operation) } }
        }
        parameters(9, item["parameters"])
    }

    private mutating func operation(_ operation: JSONValue) {
        for tag in operation["tags"]?.array ?? [] { text(1, tag) }
        text(5, operation["operationId"])
        for type in operation["consumes"]?.array ?? [] { text(7, type) }
        parameters(8, operation["parameters"])
        message(9) { responses in
            for response in operation["responses"].members {
                responses.named(1, response.key) {
                    $0.message(1) {
                        $0.text(1, response.value["description"])
                        if let schema = response.value["schema"] {
                            $0.message(2) { $0.message(1) { $0.schema(schema) } }
                        }
                    }
                }
            }
        }
        extensions(13, operation)
    }

    /// Each in two wrappers that say what sort it is of: 1 for the body; else 2, and in that 3 for the query and 4 for the path.
    private mutating func parameters(_ number: Int, _ list: JSONValue?) {
        for parameter in list?.array ?? [] {
            message(number) {
                $0.message(1) {
                    switch parameter["in"]?.string {
                    case "body": $0.message(1) { $0.bodyParameter(parameter) }
                    case "path": $0.message(2) { $0.message(4) { $0.parameter(parameter, type: 5) } }
                    default: $0.message(2) { $0.message(3) { $0.parameter(parameter, type: 6) } }
                    }
                }
            }
        }
    }

    private mutating func bodyParameter(_ parameter: JSONValue) {
        text(2, parameter["name"])
        text(3, parameter["in"])
        flag(4, parameter["required"])
        if let form = parameter["schema"] { message(5) { $0.schema(form) } }
    }

    /// - Parameter type: the number of its field; the query's parameters have one field more before it than the path's.
    private mutating func parameter(_ parameter: JSONValue, type: Int) {
        flag(1, parameter["required"])
        text(2, parameter["in"])
        text(4, parameter["name"])
        text(type, parameter["type"])
        flag(type + 14, parameter["uniqueItems"])
    }

    fileprivate mutating func schema(_ schema: JSONValue) {
        text(1, schema["$ref"])
        text(2, schema["format"])
        text(4, schema["description"])
        if let value = schema["default"] { message(5) { $0.yaml(value) } }
        number(7, schema["maximum"])
        number(9, schema["minimum"])
        for name in schema["required"]?.array ?? [] { text(19, name) }
        for value in schema["enum"]?.array ?? [] { message(20) { $0.yaml(value) } }
        if let element = schema["additionalProperties"] { message(21) { $0.message(1) { $0.schema(element) } } }
        if let type = schema["type"] { message(22) { $0.text(1, type) } }
        if let element = schema["items"] { message(23) { $0.message(1) { $0.schema(element) } } }
        if let properties = schema["properties"] {
            message(25) { fields in
                for property in properties.members {
                    fields.named(1, property.key) { $0.schema(property.value) }
                }
            }
        }
        extensions(31, schema)
    }

    private mutating func extensions(_ number: Int, _ value: JSONValue) {
        for member in value.members where member.key.hasPrefix("x-") {
            named(number, member.key) { $0.yaml(member.value) }
        }
    }

    private mutating func yaml(_ value: JSONValue) {
        text(2, .string(String(decoding: value.encoded(), as: UTF8.self) + "\n"))
    }

    /// A pair of a name and a message.
    fileprivate mutating func named(_ number: Int, _ name: String, _ fill: (inout ProtobufWriter) -> Void) {
        message(number) {
            $0.text(1, .string(name))
            $0.message(2, fill)
        }
    }

    /// Nothing where the value is no text.
    fileprivate mutating func text(_ number: Int, _ value: JSONValue?) {
        if let text = value?.string { bytes(number, Array(text.utf8)) }
    }

    private mutating func flag(_ number: Int, _ value: JSONValue?) {
        if value?.bool == true { varint(number, 1) }
    }

    private mutating func number(_ number: Int, _ value: JSONValue?) {
        if let value = value?.integer { double(number, Double(value)) }
    }
}

extension JSONValue {
    fileprivate var members: [JSONObject.Member] { object?.members ?? [] }
}

extension JSONValue? {
    fileprivate var members: [JSONObject.Member] { self?.object?.members ?? [] }
}
