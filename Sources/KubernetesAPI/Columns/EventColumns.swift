import APIMachinery
import JSONTree

extension TableDefinition {
    static let event = TableDefinition(
        Event.self,
        [
            .init("Last Seen", "Time since it last happened."),
            .init("Type", "Normal or Warning."),
            .init("Reason", "Why, in one word."),
            .init("Object", "The object it is about."),
            .init("Subobject", "The part of the object it is about.", priority: 1),
            .init("Source", "Who reported it.", priority: 1),
            .init("Message", "Details."),
            .init("First Seen", "Time since it first happened.", priority: 1),
            .init("Count", "How often it happened.", type: "integer", priority: 1),
            .init("Name", "Name of the event.", format: "name", priority: 1),
        ]
    ) { event, now in
        let first = event.firstTimestamp ?? event.eventTime?.timestamp
        let last = event.series?.lastObservedTime?.timestamp ?? event.lastTimestamp ?? first
        let object = event.involvedObject
        return [
            .age(last, now),
            .string(event.type ?? ""),
            .string(event.reason ?? ""),
            .string(
                [(object.kind ?? "").lowercased(), object.name ?? ""].filter { !$0.isEmpty }.joined(separator: "/")),
            .string(object.fieldPath ?? ""),
            .string(sourceText(event)),
            .string((event.message ?? "").trimmed),
            .age(first, now),
            .number(event.series.map { $0.count ?? 0 } ?? max(event.count ?? 1, 1)),
            .string(event.metadata.name),
        ]
    }

    private static func sourceText(_ event: Event) -> String {
        let source = event.source
        let component = source.component.flatMap { $0.isEmpty ? nil : $0 } ?? event.reportingComponent
        let host = source.host.flatMap { $0.isEmpty ? nil : $0 } ?? event.reportingInstance
        return host.isEmpty ? component : "\(component), \(host)"
    }
}

extension String {
    /// Without white space at both ends.
    fileprivate var trimmed: String {
        guard let start = firstIndex(where: { !$0.isWhitespace }), let end = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[start...end])
    }
}
