import APIMachinery
import JSONTree

extension TableDefinition {
    static let pod = TableDefinition(
        Pod.self,
        [
            .name,
            .init("Ready", "Containers that are ready, of all that should be."),
            .init("Status", "Phase of the pod, or what keeps it from running."),
            .init("Restarts", "How often containers were started again, and when last."),
            .age,
            .init("IP", "First address of the pod.", priority: 1),
            .init("Node", "Node that runs the pod.", priority: 1),
            .init("Nominated Node", "Node where room is being made for the pod.", priority: 1),
            .init("Readiness Gates", "Conditions that count for readiness: how many hold, of all.", priority: 1),
        ]
    ) { pod, now in
        let digest = PodDigest(pod)
        return [
            .string(pod.metadata.name),
            .string("\(digest.ready)/\(digest.total)"),
            .string(digest.reason),
            .string(digest.restartText(now)),
            .age(pod.metadata.creationTimestamp, now),
            .text(pod.status.podIP ?? pod.status.podIPs.first?.ip),
            .text(pod.spec.nodeName),
            .text(pod.status.nominatedNodeName),
            .text(gates(pod)),
        ]
    }

    private static func gates(_ pod: Pod) -> String? {
        let gates = pod.spec.readinessGates
        guard !gates.isEmpty else { return nil }
        let conditions = pod.status.conditions
        let held = gates.count { gate in
            conditions.contains { $0.type == gate.conditionType && $0.status == "True" }
        }
        return "\(held)/\(gates.count)"
    }
}

/// A pod's state in one line, as `kubectl get pods` shows it.
package struct PodDigest {
    package private(set) var total = 0
    package private(set) var ready = 0
    package private(set) var restarts = 0
    package private(set) var lastRestart: Timestamp?
    package private(set) var reason: String

    package init(_ pod: Pod) {
        let status = pod.status
        let phase = status.phase ?? "Pending"
        let conditions = status.conditions
        reason = status.reason.flatMap { $0.isEmpty ? nil : $0 } ?? phase
        if conditions.contains(where: { $0.type == "PodScheduled" && $0.reason == "SchedulingGated" }) {
            reason = "SchedulingGated"
        }
        let initContainers = pod.spec.initContainers
        let sidecars = Set(initContainers.filter { $0.restartPolicy == "Always" }.map { $0.name })
        total = pod.spec.containers.count + sidecars.count
        let sidecarRestarts = readInitContainers(status, sidecars, count: initContainers.count)
        if sidecarRestarts.isInitialized || conditions.isTrue("Initialized") {
            (restarts, lastRestart) = (sidecarRestarts.count, sidecarRestarts.last)
            readContainers(status, isReady: conditions.isTrue("Ready"))
        }
        guard pod.metadata.deletionTimestamp != nil else { return }
        if status.reason == "NodeLost" {
            reason = "Unknown"
        } else if phase != "Succeeded" && phase != "Failed" {
            reason = "Terminating"
        }
    }

    /// `3 (5m ago)`.
    package func restartText(_ now: Timestamp) -> String {
        guard restarts > 0, let lastRestart else { return String(restarts) }
        return "\(restarts) (\(AgeText.since(lastRestart, now)) ago)"
    }

    /// Reads on until the first init container that is not done; what it waits for is the pod's reason.
    private mutating func readInitContainers(
        _ status: PodStatus, _ sidecars: Set<String>, count: Int
    ) -> (isInitialized: Bool, count: Int, last: Timestamp?) {
        var sidecarRestarts = 0
        var lastSidecarRestart: Timestamp?
        for (index, container) in status.initContainerStatuses.enumerated() {
            let isSidecar = sidecars.contains(container.name)
            countRestarts(of: container)
            if isSidecar {
                sidecarRestarts += Int(container.restartCount)
                lastSidecarRestart = Self.later(lastSidecarRestart, container.lastState.terminated?.finishedAt)
            }
            let state = container.state
            if state.terminated?.exitCode == 0 { continue }
            if isSidecar && container.started == true {
                if container.ready { ready += 1 }
                continue
            }
            if let terminated = state.terminated {
                reason = "Init:" + Self.reason(terminated)
            } else if let waiting = state.waiting?.reason, !waiting.isEmpty, waiting != "PodInitializing" {
                reason = "Init:" + waiting
            } else {
                reason = "Init:\(index)/\(count)"
            }
            return (false, sidecarRestarts, lastSidecarRestart)
        }
        return (true, sidecarRestarts, lastSidecarRestart)
    }

    private mutating func readContainers(_ status: PodStatus, isReady: Bool) {
        var isAnyRunning = false
        for container in status.containerStatuses.reversed() {
            countRestarts(of: container)
            let state = container.state
            if let waiting = state.waiting?.reason, !waiting.isEmpty {
                reason = waiting
            } else if let terminated = state.terminated {
                reason = Self.reason(terminated)
            } else if container.ready && state.running != nil {
                isAnyRunning = true
                ready += 1
            }
        }
        if reason == "Completed" && isAnyRunning { reason = isReady ? "Running" : "NotReady" }
    }

    private mutating func countRestarts(of container: ContainerStatus) {
        restarts += Int(container.restartCount)
        lastRestart = Self.later(lastRestart, container.lastState.terminated?.finishedAt)
    }

    private static func later(_ left: Timestamp?, _ right: Timestamp?) -> Timestamp? {
        guard let left, let right else { return left ?? right }
        return max(left, right)
    }

    private static func reason(_ terminated: ContainerStateTerminated) -> String {
        if let reason = terminated.reason, !reason.isEmpty { return reason }
        if let signal = terminated.signal, signal != 0 { return "Signal:\(signal)" }
        return "ExitCode:\(terminated.exitCode)"
    }
}

extension [PodCondition] {
    package func isTrue(_ type: String) -> Bool {
        contains { $0.type == type && $0.status == "True" }
    }
}
