import APIMachinery
import JSONTree

/// The timeline of one pod, as `swiftlet why` prints it.
package struct TimelineReport: Sendable {
    private let pod: TimelinePod
    private let entries: [TimelineEntry]

    package init(pod: TimelinePod, entries: [TimelineEntry]) {
        self.pod = pod
        // Steps are written when they end and shown by when they began.
        self.entries = entries.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
            .map(\.element)
    }

    /// Lines for people: the time since the first step, the step, how long it took, and why.
    package var text: String {
        guard let first = entries.first else { return "nothing is known of pod \(pod.name)\n" }
        var table = TextTable([
            .init("AFTER", .right), .init("TOOK", .right), .init("STEP"), .init("CONTAINER"), .init("DETAIL"),
        ])
        for row in Self.collapsed(entries) {
            let repeated = row.count > 1 ? " (\(row.count) times, last after \((row.last - first.at).shortText))" : ""
            table.add([
                (row.entry.at - first.at).shortText, row.entry.duration?.shortText ?? "", Self.title(row.entry),
                row.entry.container ?? "", (row.entry.message ?? "") + repeated,
            ])
        }
        return "pod \(pod.name), uid \(pod.uid), since \(first.at.text(fractionDigits: 3))\n" + summary + "\n"
            + table.text
    }

    package var json: JSONValue {
        [
            "namespace": .string(pod.name.namespace), "name": .string(pod.name.name), "uid": .string(pod.uid),
            "steps": .array(entries.map(\.json)),
        ]
    }

    /// From the first step to the first status that says Running, and of no container that it waits: a pod whose container cannot be started is Running too.
    var summary: String {
        let running = entries.first { $0.step == "kubelet.status" && $0.message == "Running" }
        guard let first = entries.first, let running else {
            let last = entries.last {
                $0.step == "kubelet.status" || $0.step == "api.unschedulable" || $0.step.hasPrefix("event.")
            }
            return last.map { "not Running; the last word: \(TextTable.plain($0.message ?? $0.step))\n" } ?? ""
        }
        let end = running.at + (running.duration ?? .zero)
        return "Running \((end - first.at).shortText) after the first step\n"
    }

    struct Row: Sendable, Hashable {
        var entry: TimelineEntry
        var count: Int
        var last: Timestamp
    }

    /// An event that repeats one shown before (a back-off) is counted there.
    static func collapsed(_ entries: [TimelineEntry]) -> [Row] {
        var rows: [Row] = []
        var places: [[String?]: Int] = [:]
        for entry in entries {
            let key = [entry.step, entry.container, entry.message]
            if entry.step.hasPrefix("event."), let place = places[key] {
                rows[place].count += 1
                rows[place].last = entry.at
                continue
            }
            places[key] = rows.count
            rows.append(Row(entry: entry, count: 1, last: entry.at))
        }
        return rows
    }

    private static let titles = [
        "api.received": "request received", "api.created": "stored, watchers told", "api.bound": "bound",
        "api.unschedulable": "no node for it",
        "kubelet.seen": "seen by the kubelet", "kubelet.status": "status published",
        "kubelet.removed": "removed from the API", "sandbox.record": "sandbox recorded",
        "sandbox.monitor": "monitor spawned", "sandbox.network": "network attached", "sandbox.ready": "sandbox ready",
        "container.prepare": "container prepared", "container.create": "container created",
        "container.start": "container started", "timeline.omitted": "…",
    ]

    /// `container started`, and of one that failed `container not started`.
    private static func title(_ entry: TimelineEntry) -> String {
        let step = entry.step
        if let title = titles[step] {
            guard entry.isFailure else { return title }
            let words = title.split(separator: " ")
            return (words.dropLast() + ["not"] + words.suffix(1)).joined(separator: " ")
        }
        return step.hasPrefix("event.") ? "event: \(step.dropFirst("event.".count))" : step
    }
}
