import APIMachinery
import JSONTree

/// Something that happened to an object, in the form of events.k8s.io. The same objects as the core group's events.
package struct ReportedEvent: APIObject {
    package static let kind = ResourceKind(group: "events.k8s.io", kind: "Event", plural: "events", shortNames: ["ev"])

    package final class Fields: FieldSet {
        package let action = Key<String>("action", "What was done or tried.")
        package let deprecatedCount = Key<Int32>("deprecatedCount", "Count of the core group's form.")
        package let deprecatedFirstTimestamp = Key<Timestamp>(
            "deprecatedFirstTimestamp", "First time of the core group's form.")
        package let deprecatedLastTimestamp = Key<Timestamp>(
            "deprecatedLastTimestamp", "Last time of the core group's form.")
        package let deprecatedSource = Key<EventSource>("deprecatedSource", "Source of the core group's form.")
        package let eventTime = Total<MicroTime>("eventTime", "When it happened.", .required)
        package let note = Key<String>("note", "Details for people.")
        package let reason = Key<String>("reason", "Why, in one word.")
        package let regarding = Total<ObjectReference>("regarding", "The object it is about.", .atomic)
        package let related = Key<ObjectReference>("related", "Another object that takes part.", .atomic)
        package let reportingController = Key<String>("reportingController", "Who reports it.")
        package let reportingInstance = Key<String>("reportingInstance", "Which instance of that reports it.")
        package let series = Key<ReportedEventSeries>("series", "How often it happened, for a series.")
        package let type = Key<String>("type", "Normal or Warning.")
        package init() {}
    }

    package static let summary =
        "Something that happened to an object, in the form of events.k8s.io. The same objects as the core group's events."
    package static let typeName = "Event"
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A run of the same event.
package struct ReportedEventSeries: APIValue {
    package final class Fields: FieldSet {
        package let count = Total<Int32>("count", "How often it happened.", .required)
        package let lastObservedTime = Total<MicroTime>("lastObservedTime", "When it last happened.", .required)
        package init() {}
    }

    package static let groupVersion = GroupVersion.events
    package static let typeName = "EventSeries"
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
