/// Why the node ends a pod whose object stays: it fails, for this reason, and is not run here again.
struct PodTermination: Sendable, Hashable {
    /// The condition that tells of a disruption.
    static let condition = "DisruptionTarget"

    /// The status's reason, in one word.
    var reason: String
    /// For people.
    var message: String
    /// The longest that a container may take; its pod's own grace where that is shorter.
    var grace: Duration
    /// Reason of the condition `DisruptionTarget`; nil where the pod was not disrupted: it never ran.
    var disruption: String?
    /// Whether an event of the pod tells of it.
    var hasEvent = false
    /// The pod was not admitted: its containers never were, and its status tells of none.
    var isRejection = false
}
