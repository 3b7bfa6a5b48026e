import APIMachinery
import KubernetesAPI

/// One moment of a pod's way that the kubelet sees: for its timeline.
package struct PodMoment: Sendable, Hashable {
    /// `kubelet.seen`, `kubelet.status`, `kubelet.removed`, or `event.` and the reason of an event.
    package var step: String
    package var uid: String
    package var namespace: String
    package var name: String
    package var container: String?
    /// When it began.
    package var at: Timestamp
    package var duration: Duration?
    package var message: String?

    init(
        _ step: String, of pod: Pod, container: String? = nil, at: Timestamp, duration: Duration? = nil,
        message: String? = nil
    ) {
        self.step = step
        uid = pod.metadata.uid
        namespace = pod.metadata.namespace
        name = pod.metadata.name
        self.container = container
        self.at = at
        self.duration = duration
        self.message = message
    }
}

/// Takes the moments of pods' ways. Must return at once.
package protocol PodMomentRecorder: Sendable {
    func record(_ moment: PodMoment)
}

package struct NoPodMoments: PodMomentRecorder {
    package init() {}
    package func record(_ moment: PodMoment) {}
}

/// A status sink that tells what was published and how long it took.
struct TimedStatusSink: PodStatusSink {
    let sink: any PodStatusSink
    let moments: any PodMomentRecorder
    let time: any TimeSource

    func publish(_ status: PodStatus, of pod: Pod) async throws(OperationError) {
        let (at, start) = (time.now(), time.uptime())
        try await sink.publish(status, of: pod)
        moments.record(
            PodMoment(
                "kubelet.status", of: pod, at: at, duration: time.uptime() - start, message: Self.summary(status)))
    }

    func confirmDeletion(of pod: Pod) async throws(OperationError) {
        let (at, start) = (time.now(), time.uptime())
        try await sink.confirmDeletion(of: pod)
        moments.record(PodMoment("kubelet.removed", of: pod, at: at, duration: time.uptime() - start))
    }

    /// The phase, and what each container waits for or failed of: `Pending: web ContainerCreating`.
    static func summary(_ status: PodStatus) -> String {
        let reasons = (status.storage["containerStatuses"]?.array ?? []).compactMap { container -> String? in
            let state = container["state"]
            let failed = state?["terminated"].flatMap { $0["exitCode"]?.integer == 0 ? nil : $0 }
            guard let reason = (state?["waiting"] ?? failed)?["reason"]?.string else { return nil }
            return "\(container["name"]?.string ?? "") \(reason)"
        }
        let phase = status.storage["phase"]?.string ?? "Unknown"
        return reasons.isEmpty ? phase : "\(phase): \(reasons.joined(separator: ", "))"
    }
}

/// An event recorder that tells the timeline too.
struct TimedPodEvents: PodEventRecorder {
    let recorder: any PodEventRecorder
    let moments: any PodMomentRecorder
    let time: any TimeSource

    func record(_ message: PodEventMessage, on pod: Pod) {
        moments.record(
            PodMoment(
                "event.\(message.reason)", of: pod, container: message.container, at: time.now(),
                message: message.message))
        recorder.record(message, on: pod)
    }
}
