import JSONTree

/// A Swift type that a JSON value can be read as.
package protocol JSONRepresentable: Sendable, Hashable {
    /// nil where the value has another type or is out of range; never a default in its place.
    init?(json: JSONValue)
    var json: JSONValue { get }
    /// What this type admits, for validation, OpenAPI, patches and pruning.
    static var schema: Schema { get }
}

/// A type with a value that stands for "absent": what a `Total` field reads as where the object does not have it.
package protocol HasZero {
    static var zero: Self { get }
}

/// The fields of an `APIValue`, one stored property for each. Best a final class: generic code that reads one field copies a struct of
/// them whole, which costs a view four times as much.
package protocol FieldSet: Sendable {
    init()
}

/// A typed view of a JSON object. Its storage is the object as received, so that unknown fields survive; its fields are declared once, in
/// `Fields`, and read and written as if they were properties: `container.image`.
///
/// An object enters through a check against its schema (`Schema.check`), so a field that is there has its type.
@dynamicMemberLookup
package protocol APIValue: JSONRepresentable, HasZero {
    associatedtype Fields: FieldSet
    static var fields: Fields { get }
    /// One or two sentences for `kubectl explain`.
    static var summary: String { get }
    /// Where the API declares the type; an object's kind says it.
    static var groupVersion: GroupVersion { get }
    /// What the API calls the type; the same as Swift does where this is not said.
    static var typeName: String { get }
    var storage: JSONObject { get set }
    init(storage: JSONObject)
}

extension APIValue {
    package static var summary: String { "" }

    package static var typeName: String { String(describing: Self.self) }

    package init() {
        self.init(storage: JSONObject())
    }

    /// Builds a value in one expression: `Container { $0.name = "web" }`.
    package init(_ build: (inout Self) -> Void) {
        self.init(storage: JSONObject())
        build(&self)
    }

    package init?(json: JSONValue) {
        guard case .object(let object) = json else { return nil }
        self.init(storage: object)
    }

    package var json: JSONValue { .object(storage) }

    package static var zero: Self { Self() }

    package subscript<Value: JSONRepresentable>(dynamicMember path: KeyPath<Fields, Key<Value>>) -> Value? {
        get { storage[Self.fields[keyPath: path].name].flatMap(Value.init(json:)) }
        set { storage[Self.fields[keyPath: path].name] = newValue?.json }
    }

    package subscript<Value: JSONRepresentable & HasZero>(dynamicMember path: KeyPath<Fields, Total<Value>>) -> Value {
        get {
            let field = Self.fields[keyPath: path]
            return storage[field.name].flatMap(Value.init(json:)) ?? field.fallback
        }
        set {
            let field = Self.fields[keyPath: path]
            storage[field.name] = field.omitsZero && newValue == .zero ? JSONValue?.none : newValue.json
        }
    }
}
