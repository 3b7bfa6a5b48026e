import APIMachinery
import JSONTree

/// Something that happened to an object. Kept for an hour.
package struct Event: APIObject {
    package static let kind = ResourceKind(kind: "Event", plural: "events", shortNames: ["ev"])

    package final class Fields: FieldSet {
        package let action = Key<String>("action", "What was done or tried.")
        package let count = Key<Int32>("count", "How often it happened.")
        package let eventTime = Key<MicroTime>("eventTime", "When it happened, for events that are reported as series.")
        package let firstTimestamp = Key<Timestamp>("firstTimestamp", "When it first happened.")
        package let involvedObject = Total<ObjectReference>(
            "involvedObject", "The object it is about.", .required, .atomic)
        package let lastTimestamp = Key<Timestamp>("lastTimestamp", "When it last happened.")
        package let message = Key<String>("message", "Details for people.")
        package let reason = Key<String>("reason", "Why, in one word.")
        package let related = Key<ObjectReference>("related", "Another object that takes part.", .atomic)
        package let reportingComponent = Total<String>("reportingComponent", "Who reports it.", default: "")
        package let reportingInstance = Total<String>(
            "reportingInstance", "Which instance of that reports it.", default: "")
        package let series = Key<EventSeries>("series", "How often it happened, for a series.")
        package let source = Total<EventSource>("source", "Who reports it, in the older form.")
        package let type = Key<String>("type", "Normal or Warning.")
        package init() {}
    }

    package static let summary = "Something that happened to an object. Kept for an hour."
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A run of the same event.
package struct EventSeries: APIValue {
    package final class Fields: FieldSet {
        package let count = Key<Int32>("count", "How often it happened.")
        package let lastObservedTime = Key<MicroTime>("lastObservedTime", "When it last happened.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Who reported an event.
package struct EventSource: APIValue {
    package final class Fields: FieldSet {
        package let component = Key<String>("component", "The component.")
        package let host = Key<String>("host", "The node it runs on.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
