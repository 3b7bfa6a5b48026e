import APIMachinery
import KubernetesAPI

enum ProbeKind: String, Sendable, Hashable, CaseIterable {
    case startup, liveness, readiness
}

/// One probe of one run of a container.
struct ProbeKey: Sendable, Hashable {
    var container: String
    /// The container's id, so that an answer about an earlier run is told apart.
    var id: String
    var kind: ProbeKind
}

/// Counts one probe's answers and says when the next check is due. Pure; the worker carries the checks out.
struct ProbeState: Sendable, Hashable {
    private let period: Duration
    private let successThreshold: Int32
    private let failureThreshold: Int32
    let timeout: Duration
    private(set) var due: Duration
    /// nil until a threshold was first reached.
    private(set) var result: Bool?
    private var lastAnswer: Bool?
    private var run: Int32 = 0

    init(_ probe: Probe, startedAt: Duration) {
        period = .seconds(max(1, probe.periodSeconds))
        successThreshold = max(1, probe.successThreshold)
        failureThreshold = max(1, probe.failureThreshold)
        timeout = .seconds(max(1, probe.timeoutSeconds))
        due = startedAt + .seconds(max(0, probe.initialDelaySeconds))
    }

    /// Notes that a check begins, so that the next is due a period later.
    mutating func began(at now: Duration) {
        due = now + period
    }

    /// Takes an answer. Returns whether the result changed.
    mutating func answered(_ isHealthy: Bool) -> Bool {
        run = lastAnswer == isHealthy ? (run == .max ? run : run + 1) : 1
        lastAnswer = isHealthy
        guard run >= (isHealthy ? successThreshold : failureThreshold), result != isHealthy else { return false }
        result = isHealthy
        return true
    }
}
