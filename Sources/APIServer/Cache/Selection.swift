import APIMachinery

/// Which objects of a resource a list or watch is about.
struct Selection: Sendable {
    /// nil: all namespaces.
    var namespace: String?
    /// One object by name (`fieldSelector=metadata.name=x`).
    var name: String?
    var labels: LabelExpression
    /// Requirements on the resource's selectable fields, by index into `WireFormat.selectableFields`.
    var fields: [FieldRequirement]

    struct FieldRequirement: Sendable, Hashable {
        var index: Int
        var value: String
        var isEqual: Bool
    }

    /// Requirements on metadata.name and metadata.namespace that are not a plain equality.
    var keyRequirements: [KeyRequirement] = []

    struct KeyRequirement: Sendable, Hashable {
        enum Part: Sendable { case name, namespace }
        var part: Part
        var value: String
        var isEqual: Bool
    }

    init(
        namespace: String? = nil, name: String? = nil, labels: LabelExpression = LabelExpression(),
        fields: [FieldRequirement] = []
    ) {
        self.namespace = namespace
        self.name = name
        self.labels = labels
        self.fields = fields
    }

    /// Whether everything in the namespace is meant.
    var isWhole: Bool { name == nil && labels.isEmpty && fields.isEmpty && keyRequirements.isEmpty }

    func matches(_ object: CachedObject) -> Bool {
        let key = ObjectKey(object.key)
        if let namespace, key.namespace != namespace { return false }
        if let name, key.name != name { return false }
        return matchesInNamespace(object, key)
    }

    private func matchesInNamespace(_ object: CachedObject, _ key: ObjectKey) -> Bool {
        for requirement in fields where requirement.index < object.fields.count {
            guard (object.fields[requirement.index] == requirement.value) == requirement.isEqual else { return false }
        }
        for requirement in keyRequirements {
            let actual = requirement.part == .name ? key.name : key.namespace
            guard (actual == requirement.value) == requirement.isEqual else { return false }
        }
        return labels.isEmpty || labels.matches(object.labels)
    }
}

/// An object's place within its resource: `namespace/name`, or `name` where the resource is cluster-scoped.
struct ObjectKey: Sendable, Hashable {
    let namespace: Substring
    let name: Substring

    init(_ key: String) {
        if let slash = key.utf8.firstIndex(of: UInt8(ascii: "/")) {
            namespace = key[..<slash]
            name = key[key.utf8.index(after: slash)...]
        } else {
            namespace = ""
            name = key[...]
        }
    }

    static func text(namespace: String?, name: String) -> String {
        if let namespace, !namespace.isEmpty { "\(namespace)/\(name)" } else { name }
    }
}
