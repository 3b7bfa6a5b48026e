import APIMachinery
import CRI
import KubernetesAPI

/// The probes of one run of one container. Until the startup probe has succeeded the others wait. Once the container is to end nothing condemns it any
/// more, and whether it is ready is still asked: what it serves until its end goes to it (as upstream's prober has it).
struct ProbeSet: Sendable, Hashable {
    let container: String
    let id: String
    private var states: [ProbeKind: ProbeState] = [:]
    private let hasStartup: Bool
    private let hasReadiness: Bool
    private var isEnding = false

    init(_ container: Container, id: String, startedAt: Duration) {
        self.container = container.name
        self.id = id
        let probes: [(ProbeKind, Probe?)] = [
            (.startup, container.startupProbe), (.liveness, container.livenessProbe),
            (.readiness, container.readinessProbe),
        ]
        for case (let kind, let probe?) in probes {
            states[kind] = ProbeState(probe, startedAt: startedAt)
        }
        hasStartup = container.startupProbe != nil
        hasReadiness = container.readinessProbe != nil
    }

    var isStarted: Bool { !hasStartup || isEnding || states[.startup]?.result == true }
    var isReady: Bool { isStarted && (!hasReadiness || states[.readiness]?.result == true) }

    /// Why the container must be restarted, nil where it need not.
    var failure: ProbeKind? {
        isEnding ? nil : [.startup, .liveness].first { states[$0]?.result == false }
    }

    /// The probes that run now: the startup probe until it succeeds, then the others.
    private var active: [ProbeKind] {
        if failure != nil { return [] }
        if isEnding { return hasReadiness ? [.readiness] : [] }
        return isStarted ? [.liveness, .readiness].filter { states[$0] != nil } : [.startup]
    }

    var nextDue: Duration? {
        active.compactMap { states[$0]?.due }.min()
    }

    mutating func end() { isEnding = true }

    /// The checks to begin now, with their time limits.
    mutating func begin(at now: Duration) -> [(ProbeKey, timeout: Duration)] {
        active.compactMap { kind in
            guard let state = states[kind], state.due <= now else { return nil }
            states[kind]?.began(at: now)
            return (ProbeKey(container: container, id: id, kind: kind), timeout: state.timeout)
        }
    }

    /// Takes an answer. Returns whether it changed what the probe says.
    mutating func answered(_ key: ProbeKey, isHealthy: Bool) -> Bool {
        guard key.id == id else { return false }
        return states[key.kind]?.answered(isHealthy) ?? false
    }
}
