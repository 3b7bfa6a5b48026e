import APIMachinery
import CRI
import KubernetesAPI

extension PodMachine {
    /// The kubelet's own conditions, set among those of others. A condition's transition time moves only when its status does.
    func conditions(_ status: PodStatus, phase: PodPhase, at time: Timestamp) -> [PodCondition] {
        var conditions = status.conditions
        let isDone = phase == .succeeded
        let uninitialized = zip(pod.spec.initContainers, status.initContainerStatuses)
            .filter { !($1.ready || $0.isSidecar && ($1.started ?? false)) }.map(\.0.name)
        let hasRun = status.containerStatuses.contains { $0.containerID != nil }
        let unready = zip(pod.spec.containers, status.containerStatuses).filter { !$1.ready }.map(\.0.name)
        let sidecars = zip(pod.spec.initContainers, status.initContainerStatuses)
            .filter { $0.isSidecar && !$1.ready }.map(\.0.name)
        let isInitialized = uninitialized.isEmpty || hasRun
        let readiness: Verdict =
            if isDone {
                .no("PodCompleted", nil)
            } else if phase == .failed {
                .no("PodFailed", nil)
            } else if unready.isEmpty, sidecars.isEmpty, isInitialized {
                .yes
            } else {
                .no("ContainersNotReady", names("containers with unready status", sidecars + unready))
            }
        set("PodReadyToStartContainers", observation.readySandbox != nil ? .yes : .no(nil, nil))
        set(
            "Initialized",
            isInitialized
                ? .yes
                : .no("ContainersNotInitialized", names("containers with incomplete status", uninitialized)))
        set("ContainersReady", readiness)
        set("Ready", gated(readiness, conditions))
        set("PodScheduled", .yes)
        if let termination, let disruption = termination.disruption {
            set(PodTermination.condition, .yes, because: (disruption, termination.message))
        }
        return conditions

        func set(_ type: String, _ verdict: Verdict, because: (reason: String, message: String)? = nil) {
            let index = conditions.firstIndex { $0.type == type }
            let value = verdict == .yes ? "True" : "False"
            let old = index.map { conditions[$0] }
            let new = PodCondition {
                $0.type = type
                $0.status = value
                $0.reason = because?.reason
                $0.message = because?.message
                if case .no(let reason, let message) = verdict {
                    $0.reason = reason
                    $0.message = message
                }
                $0.lastTransitionTime = old?.status == value ? old?.lastTransitionTime : time
                $0.observedGeneration = pod.metadata.generation
            }
            if let index { conditions[index] = new } else { conditions.append(new) }
        }
    }

    private enum Verdict: Equatable {
        case yes
        case no(_ reason: String?, _ message: String?)
    }

    /// Readiness gates (KEP-580): conditions that others set.
    private func gated(_ verdict: Verdict, _ conditions: [PodCondition]) -> Verdict {
        guard verdict == .yes else { return verdict }
        let missing = pod.spec.readinessGates.map(\.conditionType)
            .filter { gate in !conditions.contains { $0.type == gate && $0.status == "True" } }
        return missing.isEmpty
            ? .yes : .no("ReadinessGatesNotReady", names("corresponding conditions of pod readiness gates", missing))
    }

    private func names(_ what: String, _ names: [String]) -> String {
        "\(what): [\(names.joined(separator: " "))]"
    }
}
