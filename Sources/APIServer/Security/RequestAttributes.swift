/// What authorization decides on.
package struct RequestAttributes: Sendable, Hashable {
    package enum Subject: Sendable, Hashable {
        case resource(ResourcePath)
        /// A path that names no resource, such as `/version`.
        case path(String)
    }

    package var verb: Verb
    package var subject: Subject

    package init(_ verb: Verb, _ subject: Subject) {
        self.verb = verb
        self.subject = subject
    }

    package init(_ verb: Verb, resource: ResourcePath) {
        self.init(verb, .resource(resource))
    }
}
