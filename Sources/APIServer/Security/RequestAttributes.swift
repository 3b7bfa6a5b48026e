import APIMachinery

/// What authorization decides on.
package struct RequestAttributes: Sendable, Hashable {
    package enum Subject: Sendable, Hashable {
        case resource(ResourcePath)
        /// A path that names no resource, such as `/version`.
        case path(String)
    }

    package var verb: Verb
    package var subject: Subject
    /// What a list or watch is narrowed to; nil where that cannot be read.
    package var fields: FieldSelector?

    package init(_ verb: Verb, _ subject: Subject) {
        self.verb = verb
        self.subject = subject
    }

    /// A list or watch of one name (`fieldSelector=metadata.name=x`) is authorized as if the path named it.
    package init(_ verb: Verb, resource: ResourcePath, fieldSelector: String = "") {
        fields = try? FieldSelector(parsing: fieldSelector)
        var path = resource
        if path.name == nil, verb.isRead, let only = fields?.requirements.first, fields?.requirements.count == 1,
            only.path == "metadata.name", only.isEqual
        {
            path.name = only.value
        }
        self.verb = verb
        subject = .resource(path)
    }
}
