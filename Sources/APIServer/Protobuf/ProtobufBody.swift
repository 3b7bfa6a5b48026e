import APIMachinery
import JSONTree

/// Reads a body in Kubernetes' protobuf form: four magic bytes, an envelope that names the kind, and the object.
struct ProtobufBody {
    static let magic: [UInt8] = [0x6B, 0x38, 0x73, 0x00]
    /// Messages nest this deep at most; the API's own do not come near.
    private static let maximumDepth = 32

    /// The object, with its apiVersion and kind. Throws 415 for kinds and fields that are not known in this form, 400 for what is no message.
    static func object(_ bytes: [UInt8]) throws(Status) -> JSONObject {
        guard bytes.starts(with: magic) else { throw .badRequest("the body is not in Kubernetes' protobuf form") }
        do throws(ProtobufReader.Problem) {
            let envelope = try Envelope(bytes.dropFirst(magic.count))
            guard ProtobufMessages.kinds.contains(envelope.kind) else {
                throw ProtobufReader.Problem(text: "kind \(envelope.kind) is not read in this form")
            }
            var object = try message(envelope.raw, envelope.kind, depth: 0)
            object["apiVersion"] = .string(envelope.apiVersion)
            object["kind"] = .string(envelope.kind)
            return object
        } catch {
            throw .unsupportedMediaType(
                "the protobuf body cannot be read: \(error.text); send application/json instead")
        }
    }

    private struct Envelope {
        var apiVersion = ""
        var kind = ""
        var raw: ArraySlice<UInt8> = []

        init(_ bytes: ArraySlice<UInt8>) throws(ProtobufReader.Problem) {
            var reader = ProtobufReader(bytes)
            while let field = try reader.next() {
                switch (field.number, field.value) {
                case (1, .bytes(let type)):
                    var names = ProtobufReader(type)
                    while let name = try names.next() {
                        guard case .bytes(let text) = name.value else { continue }
                        if name.number == 1 { apiVersion = String(decoding: text, as: UTF8.self) }
                        if name.number == 2 { kind = String(decoding: text, as: UTF8.self) }
                    }
                case (2, .bytes(let object)): raw = object
                case (3, .bytes(let encoding)) where !encoding.isEmpty:
                    throw ProtobufReader.Problem(text: "it is compressed")
                default: break
                }
            }
        }
    }

    private static func message(
        _ bytes: ArraySlice<UInt8>, _ name: String, depth: Int
    ) throws(ProtobufReader.Problem) -> JSONObject {
        guard depth < maximumDepth else { throw ProtobufReader.Problem(text: "it is nested too deep") }
        guard let fields = ProtobufMessages.all[name] else {
            throw ProtobufReader.Problem(text: "message \(name) is not known")
        }
        var object = JSONObject()
        var reader = ProtobufReader(bytes)
        while let (number, raw) = try reader.next() {
            guard let field = fields[number] else {
                throw ProtobufReader.Problem(text: "field \(number) of \(name) is not known")
            }
            switch field.type {
            case .list(let element):
                var list = object[field.name]?.array ?? []
                list.append(try value(raw, element, depth: depth) ?? "")
                object[field.name] = .array(list)
            case .map(let element):
                var map = object[field.name]?.object ?? JSONObject()
                let (key, entry) = try self.entry(raw, element, depth: depth)
                map[key] = entry
                object[field.name] = .object(map)
            default:
                guard let value = try value(raw, field.type, depth: depth), field.keepsZero || !value.isZero else {
                    continue
                }
                object[field.name] = value
            }
        }
        return object
    }

    /// One pair of a map: a message of key and value.
    private static func entry(
        _ raw: ProtobufReader.Value, _ type: ProtobufMessages.FieldType, depth: Int
    ) throws(ProtobufReader.Problem) -> (String, JSONValue) {
        guard case .bytes(let bytes) = raw else { throw ProtobufReader.Problem(text: "a map entry is no message") }
        var reader = ProtobufReader(bytes)
        var key = ""
        var entry: JSONValue = ""
        while let (number, raw) = try reader.next() {
            if number == 1, case .bytes(let text) = raw { key = String(decoding: text, as: UTF8.self) }
            if number == 2 { entry = try value(raw, type, depth: depth) ?? "" }
        }
        return (key, entry)
    }

    /// nil for a moment that is not set.
    private static func value(
        _ raw: ProtobufReader.Value, _ type: ProtobufMessages.FieldType, depth: Int
    ) throws(ProtobufReader.Problem) -> JSONValue? {
        switch (type, raw) {
        case (.string, .bytes(let bytes)): return .string(String(decoding: bytes, as: UTF8.self))
        case (.bytes, .bytes(let bytes)): return Bytes(bytes).json
        case (.bool, .varint(let number)): return .bool(number != 0)
        case (.integer, .varint(let number)): return .integer(Int64(bitPattern: number))
        case (.message(let name), .bytes(let bytes)): return .object(try message(bytes, name, depth: depth + 1))
        case (.time, .bytes(let bytes)): return try time(bytes)
        case (.quantity, .bytes(let bytes)):
            var reader = ProtobufReader(bytes)
            guard case .bytes(let text)? = try reader.next()?.value else { return "0" }
            return .string(String(decoding: text, as: UTF8.self))
        case (.intOrString, .bytes(let bytes)): return try intOrString(bytes)
        default: throw ProtobufReader.Problem(text: "a field has another type than it should")
        }
    }

    private static func time(_ bytes: ArraySlice<UInt8>) throws(ProtobufReader.Problem) -> JSONValue? {
        var reader = ProtobufReader(bytes)
        var seconds: Int64?
        while let (number, raw) = try reader.next() {
            if number == 1, case .varint(let value) = raw { seconds = Int64(bitPattern: value) }
        }
        return seconds.map { Timestamp(seconds: $0).json }
    }

    private static func intOrString(_ bytes: ArraySlice<UInt8>) throws(ProtobufReader.Problem) -> JSONValue {
        var reader = ProtobufReader(bytes)
        var (isText, number, text) = (false, Int64(0), "")
        while let (field, raw) = try reader.next() {
            switch (field, raw) {
            case (1, .varint(let kind)): isText = kind == 1
            case (2, .varint(let value)): number = Int64(bitPattern: value)
            case (3, .bytes(let value)): text = String(decoding: value, as: UTF8.self)
            default: break
            }
        }
        return isText ? .string(text) : .integer(number)
    }
}

extension JSONValue {
    /// What a field that is not set reads as in protobuf.
    fileprivate var isZero: Bool {
        switch self {
        case .string(let text): text.isEmpty
        case .bool(let flag): !flag
        case .integer(let number): number == 0
        case .object(let object): object.isEmpty
        default: false
        }
    }
}
