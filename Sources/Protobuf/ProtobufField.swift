/// The declaration of one field.
package protocol AnyProtobufField: Sendable {
    var number: Int { get }
    /// Its type as a definition in the protobuf language has it, such as `repeated string`.
    var protobufType: String { get }
    func check(_ value: ProtobufReader.Value, depth: Int) throws(ProtobufReader.Problem)
}

/// The fields of one type of message, one stored property for each: the type's declaration. A class, as reading one field then copies nothing.
package protocol ProtobufFields: AnyObject, Sendable {
    init()
}

/// A field that reads as zero where it is absent, and is absent where it is written as zero.
package final class Scalar<Value: ProtobufScalar>: AnyProtobufField {
    package let number: Int

    package init(_ number: Int) {
        self.number = number
    }

    package var protobufType: String { Value.protobufName }

    package func check(_ value: ProtobufReader.Value, depth: Int) throws(ProtobufReader.Problem) {
        try Value.check(value, depth: depth)
    }
}

/// A message within the message; nil where it is absent.
package final class Child<Fields: ProtobufFields>: AnyProtobufField {
    package let number: Int

    package init(_ number: Int) {
        self.number = number
    }

    package var protobufType: String { Message<Fields>.protobufName }

    package func check(_ value: ProtobufReader.Value, depth: Int) throws(ProtobufReader.Problem) {
        try Message<Fields>.check(value, depth: depth)
    }
}

/// A list of messages.
package final class Children<Fields: ProtobufFields>: AnyProtobufField {
    package let number: Int

    package init(_ number: Int) {
        self.number = number
    }

    package var protobufType: String { "repeated " + Message<Fields>.protobufName }

    package func check(_ value: ProtobufReader.Value, depth: Int) throws(ProtobufReader.Problem) {
        try Message<Fields>.check(value, depth: depth)
    }
}

/// A list of texts.
package final class Texts: AnyProtobufField {
    package let number: Int

    package init(_ number: Int) {
        self.number = number
    }

    package var protobufType: String { "repeated string" }

    package func check(_ value: ProtobufReader.Value, depth: Int) throws(ProtobufReader.Problem) {
        try String.check(value, depth: depth)
    }
}

/// A list of numbers: packed into one field, or one by one.
package final class Numbers<Value: ProtobufNumber>: AnyProtobufField {
    package let number: Int

    package init(_ number: Int) {
        self.number = number
    }

    package var protobufType: String { "repeated " + Value.protobufName }

    package func check(_ value: ProtobufReader.Value, depth: Int) throws(ProtobufReader.Problem) {
        _ = try Self.values(value)
    }

    static func values(_ value: ProtobufReader.Value) throws(ProtobufReader.Problem) -> [Value] {
        guard case .bytes(let packed) = value else {
            guard let number = Value(wire: value) else { throw .init(text: "it is no list of numbers") }
            return [number]
        }
        var reader = ProtobufReader(packed)
        var values: [Value] = []
        while let number = try reader.nextPacked() {
            guard let value = Value(varint: number) else { throw .init(text: "it is no list of numbers") }
            values.append(value)
        }
        return values
    }
}

/// Texts by texts. Of two values for one key the last counts.
package final class TextMap: AnyProtobufField {
    package let number: Int

    package init(_ number: Int) {
        self.number = number
    }

    package var protobufType: String { "map<string, string>" }

    package func check(_ value: ProtobufReader.Value, depth: Int) throws(ProtobufReader.Problem) {
        _ = try Self.pair(value)
    }

    static func pair(_ value: ProtobufReader.Value) throws(ProtobufReader.Problem) -> (key: String, value: String) {
        guard case .bytes(let bytes) = value else { throw .init(text: "it is no map") }
        var reader = ProtobufReader(bytes)
        var pair = (key: "", value: "")
        while let (number, part) = try reader.next() {
            guard number == 1 || number == 2 else { continue }
            guard let text = String(wire: part) else { throw .init(text: "it is no map of texts") }
            if number == 1 { pair.key = text } else { pair.value = text }
        }
        return pair
    }

    static func wire(_ key: String, _ value: String) -> ProtobufReader.Value {
        var entry = ProtobufStorage()
        entry.set(1, to: [key.wire])
        entry.set(2, to: [value.wire])
        return .bytes(entry.encoded[...])
    }
}
