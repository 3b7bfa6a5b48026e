import Synchronization

/// A typed view of one protobuf message. Its storage is the message as received, so that unknown fields survive; its fields are declared once, in
/// `Fields`, and read and written as if they were properties: `status.createdAt`.
///
/// A message comes in through `init(parsing:)`, which looks at every field to the last, so a field that is there has its type.
@dynamicMemberLookup
package struct Message<Fields: ProtobufFields>: ProtobufValue {
    /// Messages within messages go this deep at most.
    package static var depthLimit: Int { 32 }

    private let fields: Fields
    private var storage: ProtobufStorage

    private init(_ storage: ProtobufStorage) {
        fields = ProtobufTable.of(Fields.self).declaration(Fields.self)
        self.storage = storage
    }

    package init() {
        self.init(ProtobufStorage())
    }

    /// Builds a message in one expression: `Message<PodIP> { $0.ip = address }`.
    package init(_ build: (inout Self) -> Void) {
        self.init()
        build(&self)
    }

    /// - Throws: what is wrong, with the name of the field.
    package init(parsing bytes: [UInt8]) throws(ProtobufReader.Problem) {
        try Self.check(.bytes(bytes[...]), depth: 0)
        self.init(try ProtobufStorage(bytes[...]))
    }

    package init?(wire: ProtobufReader.Value) {
        guard case .bytes(let bytes) = wire, let storage = try? ProtobufStorage(bytes) else { return nil }
        self.init(storage)
    }

    package static var protobufName: String { String(describing: Fields.self) }

    package var encoded: [UInt8] { storage.encoded }

    package var wire: ProtobufReader.Value { .bytes(storage.encoded[...]) }

    package static func == (a: Self, b: Self) -> Bool { a.storage == b.storage }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(storage)
    }

    package static func check(_ value: ProtobufReader.Value, depth: Int) throws(ProtobufReader.Problem) {
        guard depth < depthLimit else { throw .init(text: "messages are nested deeper than \(depthLimit)") }
        guard case .bytes(let bytes) = value else { throw .init(text: "it is no \(protobufName)") }
        let table = ProtobufTable.of(Fields.self)
        var reader = ProtobufReader(bytes)
        while let (number, value) = try reader.next() {
            guard let (name, field) = table.fields[number] else { continue }
            do throws(ProtobufReader.Problem) {
                try field.check(value, depth: depth + 1)
            } catch {
                throw .init(text: "\(name): \(error.text)")
            }
        }
    }

    // MARK: Fields as properties

    package subscript<Value>(dynamicMember path: KeyPath<Fields, Scalar<Value>>) -> Value {
        get { storage.last(fields[keyPath: path].number).flatMap(Value.init(wire:)) ?? .zero }
        set { storage.set(fields[keyPath: path].number, to: newValue == .zero ? [] : [newValue.wire]) }
    }

    package subscript<Inner>(dynamicMember path: KeyPath<Fields, Child<Inner>>) -> Message<Inner>? {
        get { storage.last(fields[keyPath: path].number).flatMap(Message<Inner>.init(wire:)) }
        set { storage.set(fields[keyPath: path].number, to: newValue.map { [$0.wire] } ?? []) }
    }

    package subscript<Inner>(dynamicMember path: KeyPath<Fields, Children<Inner>>) -> [Message<Inner>] {
        get { storage.all(fields[keyPath: path].number).compactMap(Message<Inner>.init(wire:)) }
        set { storage.set(fields[keyPath: path].number, to: newValue.map(\.wire)) }
    }

    package subscript(dynamicMember path: KeyPath<Fields, Texts>) -> [String] {
        get { storage.all(fields[keyPath: path].number).compactMap(String.init(wire:)) }
        set { storage.set(fields[keyPath: path].number, to: newValue.map(\.wire)) }
    }

    package subscript<Value>(dynamicMember path: KeyPath<Fields, Numbers<Value>>) -> [Value] {
        get { storage.all(fields[keyPath: path].number).flatMap { (try? Numbers<Value>.values($0)) ?? [] } }
        set { storage.set(fields[keyPath: path].number, to: newValue.map(\.wire)) }
    }

    package subscript(dynamicMember path: KeyPath<Fields, TextMap>) -> [String: String] {
        get {
            let pairs = storage.all(fields[keyPath: path].number).compactMap { try? TextMap.pair($0) }
            return Dictionary(pairs.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
        }
        set {
            let pairs = newValue.sorted { $0.key < $1.key }
            storage.set(fields[keyPath: path].number, to: pairs.map { TextMap.wire($0.key, $0.value) })
        }
    }
}

/// The declared fields of one type of message, by their numbers.
package final class ProtobufTable: Sendable {
    package let fields: [Int: (name: String, field: any AnyProtobufField)]
    private let declared: any ProtobufFields

    /// One table for each compiled-in type; grows to the number of types and no further.
    private static let compiled = Mutex<[ObjectIdentifier: ProtobufTable]>([:])

    private init(_ declared: any ProtobufFields) {
        var found: [Int: (name: String, field: any AnyProtobufField)] = [:]
        for child in Mirror(reflecting: declared).children {
            guard let field = child.value as? any AnyProtobufField, let name = child.label else { continue }
            found[field.number] = (name, field)
        }
        fields = found
        self.declared = declared
    }

    package static func of<Fields: ProtobufFields>(_ type: Fields.Type) -> ProtobufTable {
        compiled.withLock { known in
            if let table = known[ObjectIdentifier(type)] { return table }
            let table = ProtobufTable(Fields())
            known[ObjectIdentifier(type)] = table
            return table
        }
    }

    func declaration<Fields: ProtobufFields>(_ type: Fields.Type) -> Fields {
        declared as? Fields ?? Fields()
    }
}
