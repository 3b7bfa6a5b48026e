import APIMachinery
import JSONTree
import Protobuf

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
            let isReportedEvent = envelope.kind == "Event" && envelope.apiVersion == "events.k8s.io/v1"
            let name = isReportedEvent ? "ReportedEvent" : envelope.kind
            var object = try message(envelope.raw, name, depth: 0)
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
        var parts = MessageParts()
        var reader = ProtobufReader(bytes)
        while let (number, raw) = try reader.next() {
            guard let field = fields[number] else {
                throw ProtobufReader.Problem(text: "field \(number) of \(name) is not known")
            }
            switch field.type {
            case .list(let element): parts.append(try value(raw, element, depth: depth) ?? "", to: field.name)
            case .map(let element): parts.insert(try entry(raw, element, depth: depth), into: field.name)
            case .inline(let name):
                guard case .bytes(let bytes) = raw else { throw ProtobufReader.Problem(text: "\(name) is no message") }
                parts.set(try message(bytes, name, depth: depth + 1))
            default:
                guard let value = try value(raw, field.type, depth: depth), field.keepsZero || !value.isZero else {
                    continue
                }
                parts.set(value, for: field.name)
            }
        }
        return parts.object
    }

    /// One pair of a map: a message of key and value.
    private static func entry(
        _ raw: ProtobufReader.Value, _ type: ProtobufMessages.FieldType, depth: Int
    ) throws(ProtobufReader.Problem) -> JSONObject.Member {
        guard case .bytes(let bytes) = raw else { throw ProtobufReader.Problem(text: "a map entry is no message") }
        var reader = ProtobufReader(bytes)
        var key = ""
        var entry: JSONValue = ""
        while let (number, raw) = try reader.next() {
            if number == 1, case .bytes(let text) = raw { key = String(decoding: text, as: UTF8.self) }
            if number == 2 { entry = try value(raw, type, depth: depth) ?? "" }
        }
        return .init(key: key, value: entry)
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
        case (.time, .bytes(let bytes)): return try time(bytes)?.json
        case (.microTime, .bytes(let bytes)): return try time(bytes).map { MicroTime($0).json }
        case (.json, .bytes(let bytes)): return try json(bytes)
        case (.quantity, .bytes(let bytes)):
            var reader = ProtobufReader(bytes)
            guard case .bytes(let text)? = try reader.next()?.value else { return "0" }
            return .string(String(decoding: text, as: UTF8.self))
        case (.strings, .bytes(let bytes)): return try strings(bytes)
        case (.intOrString, .bytes(let bytes)): return try intOrString(bytes)
        default: throw ProtobufReader.Problem(text: "a field has another type than it should")
        }
    }

    private static func time(_ bytes: ArraySlice<UInt8>) throws(ProtobufReader.Problem) -> Timestamp? {
        var reader = ProtobufReader(bytes)
        var seconds: Int64?
        var nanoseconds: Int32 = 0
        while let (number, raw) = try reader.next() {
            guard case .varint(let value) = raw else { continue }
            if number == 1 { seconds = Int64(bitPattern: value) }
            if number == 2 { nanoseconds = Int32(truncatingIfNeeded: value) }
        }
        return seconds.map { Timestamp(seconds: $0, nanoseconds: nanoseconds) }
    }

    private static func json(_ bytes: ArraySlice<UInt8>) throws(ProtobufReader.Problem) -> JSONValue? {
        var reader = ProtobufReader(bytes)
        guard case .bytes(let text)? = try reader.next()?.value, !text.isEmpty else { return nil }
        guard let value = try? JSONValue(parsing: Array(text)) else { throw .init(text: "a field is no JSON") }
        return value
    }

    private static func strings(_ bytes: ArraySlice<UInt8>) throws(ProtobufReader.Problem) -> JSONValue {
        var reader = ProtobufReader(bytes)
        var texts: [JSONValue] = []
        while let (number, raw) = try reader.next() {
            if number == 1, case .bytes(let text) = raw { texts.append(.string(String(decoding: text, as: UTF8.self))) }
        }
        return .array(texts)
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

/// The fields of a message as they come: in any order, lists and maps an entry at a time.
private struct MessageParts {
    private var values: [JSONObject.Member] = []
    private var lists: [String: [JSONValue]] = [:]
    private var maps: [String: [JSONObject.Member]] = [:]

    /// Of two values for one field the last counts. O(n log n) over all parts.
    var object: JSONObject {
        JSONObject(
            members: values + lists.map { .init(key: $0.key, value: .array($0.value)) }
                + maps.map { .init(key: $0.key, value: .object(JSONObject(members: $0.value))) })
    }

    mutating func set(_ value: JSONValue, for name: String) {
        values.append(.init(key: name, value: value))
    }

    mutating func set(_ object: JSONObject) {
        values += object.members
    }

    mutating func append(_ element: JSONValue, to name: String) {
        lists[name, default: []].append(element)
    }

    mutating func insert(_ entry: JSONObject.Member, into name: String) {
        maps[name, default: []].append(entry)
    }
}

extension JSONValue {
    /// What a field that is not set reads as in protobuf.
    fileprivate var isZero: Bool {
        switch self {
        case .string(let text): text.isEmpty
        case .bool(let flag): !flag
        case .integer(let number): number == 0
        default: false
        }
    }
}
