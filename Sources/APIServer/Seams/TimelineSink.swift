import APIMachinery

/// Told of the moments in a pod's life that the API server sees first, so that `swiftlet why` can show them.
package protocol TimelineSink: Sendable {
    func record(_ moment: TimelineMoment)
}

package struct TimelineMoment: Sendable, Hashable {
    package enum Step: String, Sendable, Hashable {
        /// The request came in.
        case received
        /// Durable, and seen by watchers.
        case created
        case bound
    }

    package var step: Step
    package var podUID: String
    package var namespace: String
    package var name: String
    package var node: String
    package var at: Timestamp
}

package struct NoTimeline: TimelineSink {
    package init() {}
    package func record(_ moment: TimelineMoment) {}
}
