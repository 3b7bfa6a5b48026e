import Client
import KubernetesAPI

/// A fault of the machine that is over.
struct HostEpisode: Sendable, Hashable {
    let fault: HostFault
    /// What was wrong, as the condition said it.
    let message: String
    let duration: Duration

    /// What is kept of it: the condition's message is gone with the fault.
    func event(on node: String) -> EventDraft {
        EventDraft(
            .node(node), .warning, reason: fault.rawValue,
            message: "for \(max(1, duration.components.seconds)) s, now over: \(message)")
    }
}
