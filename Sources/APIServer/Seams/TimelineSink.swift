import APIMachinery

/// Told of the moments in a pod's life that the control plane sees first, so that `swiftlet why` can show them.
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
        /// The scheduler has no node for it.
        case unschedulable
    }

    package var step: Step
    package var podUID: String
    package var namespace: String
    package var name: String
    /// The node that it is bound to, or why there is none.
    package var detail: String
    package var at: Timestamp

    package init(
        step: Step, podUID: String, namespace: String, name: String, detail: String = "", at: Timestamp
    ) {
        self.step = step
        self.podUID = podUID
        self.namespace = namespace
        self.name = name
        self.detail = detail
        self.at = at
    }
}

package struct NoTimeline: TimelineSink {
    package init() {}
    package func record(_ moment: TimelineMoment) {}
}
