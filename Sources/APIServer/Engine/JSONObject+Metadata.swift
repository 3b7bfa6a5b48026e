import JSONTree

extension JSONObject {
    /// A field of the object's metadata. Setting one makes the metadata where it is absent.
    subscript(metadata field: String) -> JSONValue? {
        get { self["metadata"]?[field] }
        set { self["metadata", field] = newValue }
    }

    /// A field of a member that is an object. Setting a value makes the member where it is absent.
    subscript(member: String, field: String) -> JSONValue? {
        get { self[member]?[field] }
        set {
            var object = self[member]?.object ?? JSONObject()
            // The member is taken out first, so that it is changed in place and not copied.
            self[member] = nil
            object[field] = newValue
            self[member] = .object(object)
        }
    }

    /// metadata.name, "" where there is none.
    var name: String { self[metadata: "name"]?.string ?? "" }
}
