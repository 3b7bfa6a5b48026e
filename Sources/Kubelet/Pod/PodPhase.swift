import CRI
import KubernetesAPI

enum PodPhase: String, Sendable, Hashable {
    case pending = "Pending"
    case running = "Running"
    case succeeded = "Succeeded"
    case failed = "Failed"
}

extension PodMachine {
    /// Where the pod is in its life, as it is told: none has ended before the last of its containers has, sidecars and ephemeral ones among them.
    var phase: PodPhase {
        finalPhase == nil && isFinished && !observation.running.isEmpty ? terminatedPhase : course
    }

    /// Every container but the sidecars has ended for good.
    var isFinished: Bool { course == .succeeded || course == .failed }

    /// Where the pod is in its life, sidecars aside.
    private var course: PodPhase {
        if let finalPhase { return finalPhase }
        if termination != nil { return terminatedPhase }
        if let failed = pod.spec.initContainers.first(where: hasFailedForGood) {
            return failed.isSidecar ? .running : .failed
        }
        let statuses = pod.spec.containers.map { observation.newest($0.name) }
        if statuses.allSatisfy({ $0.map(isFirstStart) ?? true }) { return .pending }
        if statuses.contains(where: { $0?.state == .running }) { return .running }
        return endedPhase(statuses)
    }

    /// Its first run has not begun, or its start has not ended. One that is made anew has run.
    private func isFirstStart(_ status: CRI.ContainerStatus) -> Bool {
        let isStarting = status.state == .running && starting.contains(status.metadata.name)
        return status.metadata.attempt == 0 && (status.state == .created || isStarting)
    }

    /// How the pod has ended, where that was told.
    var finalPhase: PodPhase? {
        let told = published?.phase.flatMap(PodPhase.init(rawValue:))
        return told == .failed || told == .succeeded ? told : nil
    }

    /// A pod that the node ends has failed, however its containers end, once none of them runs.
    private var terminatedPhase: PodPhase {
        guard observation.running.isEmpty else {
            return pod.spec.containers.contains { observation.newest($0.name) != nil } ? .running : .pending
        }
        return .failed
    }

    /// None of the containers runs, and at least one has run.
    private func endedPhase(_ statuses: [CRI.ContainerStatus?]) -> PodPhase {
        let willRun = zip(pod.spec.containers, statuses).contains { container, status in
            guard let status, status.state == .exited else { return true }
            return !isEnding && shouldRestart(container, exitCode: status.exitCode)
        }
        if willRun { return isEnding ? .failed : .running }
        return statuses.allSatisfy { $0?.exitCode == 0 } ? .succeeded : .failed
    }

    private func hasFailedForGood(_ container: Container) -> Bool {
        guard let status = observation.newest(container.name), status.state == .exited else { return false }
        return !container.isSidecar && status.exitCode != 0 && !shouldRestart(container, exitCode: status.exitCode)
    }
}
