import APIMachinery
import CRI
import KubernetesAPI

extension PodMachine {
    /// The pod's status as users read it, from what the runtime has and what the probes say.
    func status(at now: Moment) -> PodStatus {
        var status = published ?? pod.status
        let phase = phase
        status.phase = phase.rawValue
        noteTermination(in: &status, phase: phase)
        status.hostIP = node.addresses.first
        status.hostIPs = node.addresses.map { address in HostIP { $0.ip = address } }
        if status.startTime == nil { status.startTime = now.wall.truncatedToSeconds }
        let addresses = podAddresses
        if !addresses.isEmpty {
            status.podIP = addresses.first
            status.podIPs = addresses.map { address in PodIP { $0.ip = address } }
        }
        status.qosClass = pod.spec.serviceClass.rawValue
        status.observedGeneration = pod.metadata.generation
        status.initContainerStatuses = pod.spec.initContainers.map { containerStatus($0, isInit: true) }
        status.containerStatuses = pod.spec.containers.map { containerStatus($0, isInit: false) }
        if !pod.spec.ephemeralContainers.isEmpty {
            status.ephemeralContainerStatuses = pod.spec.ephemeralContainers.map {
                containerStatus(Container($0), isInit: false)
            }
        }
        status.conditions = conditions(status, phase: phase, at: now.wall.truncatedToSeconds)
        if isRejected { status.leaveOutContainers() }
        return status
    }

    /// The pod was not admitted. A daemon that starts later knows it by a failure that was told without containers.
    private var isRejected: Bool {
        guard observation.containers.isEmpty else { return false }
        return termination?.isRejection ?? (finalPhase == .failed && published?.containerStatuses.isEmpty == true)
    }

    /// Nothing is left of an end that the machine's own end overtook: the pod runs again.
    private func noteTermination(in status: inout PodStatus, phase: PodPhase) {
        if let termination {
            status.reason = termination.reason
            status.message = termination.message
        } else if phase != .failed, phase != .succeeded {
            status.reason = nil
            status.message = nil
        }
    }

    private var podAddresses: [String] {
        guard let sandbox = observation.readySandbox else { return [] }
        return sandbox.network == .node ? node.addresses : sandbox.addresses
    }

    private func containerStatus(_ container: Container, isInit: Bool) -> KubernetesAPI.ContainerStatus {
        let newest = observation.newest(container.name)
        if let told = toldEnd(container.name, newest) { return told }
        let isCurrent = newest != nil && newest?.id == observation.current(container.name)?.id
        let probes = startedProbes(container.name).flatMap { $0.id == newest?.id ? $0 : nil }
        let isRunning = newest?.state == .running
        return KubernetesAPI.ContainerStatus {
            $0.name = container.name
            $0.image = newest?.askedImage ?? container.image ?? ""
            $0.imageID = newest?.imageReference ?? ""
            $0.containerID = newest.map { "\(node.runtimeName)://\($0.id)" }
            $0.restartCount = Int32(clamping: newest?.metadata.attempt ?? 0)
            $0.started = isRunning && (probes?.isStarted ?? false)
            $0.ready =
                isInit && !container.isSidecar
                ? newest?.state == .exited && newest?.exitCode == 0
                : isRunning && !isRemoved && (probes?.isReady ?? false)
            $0.state = state(container, newest, isCurrent: isCurrent)
            $0.lastState = lastState(container.name, newest, shown: $0.state)
            $0.volumeMounts = newest.map { volumeMounts(container, $0) } ?? []
            $0.user = newest?.user.map(KubernetesAPI.ContainerUser.init)
        }
    }

    /// How the container has its volumes, and of an image which one it is.
    private func volumeMounts(_ container: Container, _ newest: CRI.ContainerStatus) -> [VolumeMountStatus] {
        let volumes = pod.spec.volumes
        return container.volumeMounts.map { request in
            let mount = newest.mounts.first { $0.containerPath == request.mountPath }
            let isReadOnly = mount?.isReadOnly ?? request.readOnly
            let image = volumes.first { $0.name == request.name }?.image.flatMap { _ in mount?.imageID }
            return VolumeMountStatus {
                $0.name = request.name
                $0.mountPath = request.mountPath
                $0.readOnly = isReadOnly
                if isReadOnly {
                    $0.recursiveReadOnly = mount?.isRecursivelyReadOnly == true ? "Enabled" : "Disabled"
                }
                $0.volumeStatus = image.map { image in
                    VolumeStatus { $0.image = ImageVolumeStatus { $0.imageRef = image } }
                }
            }
        }
    }

    /// What was told of a run that has been taken away since, while the pod goes or to make room: a daemon that died in between finds nothing newer.
    private func toldEnd(_ name: String, _ newest: CRI.ContainerStatus?) -> KubernetesAPI.ContainerStatus? {
        guard isEnding || isFinished, let told = published?.containerStatus(name), told.state.terminated != nil,
            newest.map({ Int64($0.metadata.attempt) < Int64(told.restartCount) }) ?? true
        else { return nil }
        return told
    }

    private func state(
        _ container: Container, _ newest: CRI.ContainerStatus?, isCurrent: Bool
    ) -> KubernetesAPI.ContainerState {
        switch newest?.state {
        case .running:
            guard !starting.contains(container.name) else { return .waiting("ContainerCreating", nil) }
            return .running(since: newest?.startedAt ?? 0)
        case .exited:
            guard let newest else { break }
            let restarts = !isEnding && !isFinished && shouldRestart(container, exitCode: newest.exitCode)
            guard restarts else { return ended(newest) }
            if let waiting = waiting[container.name] { return .waiting(waiting.reason, waiting.message) }
            guard !isCurrent || backoffs[container.name].map({ $0.delay > .zero }) ?? false else {
                return ended(newest)
            }
            return crashLoop(container.name, pod: pod.metadata)
        case .created, .unknown, nil:
            break
        }
        if let waiting = waiting[container.name] { return .waiting(waiting.reason, waiting.message) }
        let isInitializing = !pod.spec.initContainers.isEmpty && newest == nil
        return .waiting(
            isInitializing ? "PodInitializing" : "ContainerCreating", (volumeFailure ?? sandboxFailure)?.message)
    }

    private func crashLoop(_ name: String, pod: ObjectMeta) -> KubernetesAPI.ContainerState {
        let delay = backoffs[name]?.delay ?? .zero
        return .waiting(
            "CrashLoopBackOff",
            "back-off \(delay.components.seconds)s restarting failed container=\(name) pod=\(pod.logName)")
    }

    private func ended(_ status: CRI.ContainerStatus) -> KubernetesAPI.ContainerState {
        let spec = pod.spec
        let count = spec.containers.count + spec.initContainers.count + spec.ephemeralContainers.count
        var status = status
        let message = status.message.utf8.prefix(Self.messageLimit / max(1, count))
        status.message = String(decoding: message, as: UTF8.self)
        return .terminated(status, of: node.runtimeName)
    }

    /// Bytes of all containers' last words, each of which has an equal part.
    private static let messageLimit = 12 << 10

    /// The run before the one shown as the state.
    private func lastState(
        _ name: String, _ newest: CRI.ContainerStatus?, shown: KubernetesAPI.ContainerState?
    ) -> KubernetesAPI.ContainerState {
        if let newest, newest.state == .exited, shown?.terminated == nil { return ended(newest) }
        if let previous = observation.previous(name), previous.state == .exited { return ended(previous) }
        return published?.containerStatus(name)?.lastState ?? KubernetesAPI.ContainerState()
    }
}

extension PodStatus {
    /// One that waits would be shown in place of the pod's reason.
    fileprivate mutating func leaveOutContainers() {
        self.initContainerStatuses = []
        self.containerStatuses = []
        self.ephemeralContainerStatuses = []
    }

    fileprivate func containerStatus(_ name: String) -> KubernetesAPI.ContainerStatus? {
        (self.initContainerStatuses + self.containerStatuses).first { $0.name == name }
    }
}

extension KubernetesAPI.ContainerState {
    static func running(since start: UnixNanoseconds) -> Self {
        Self { $0.running = ContainerStateRunning { $0.startedAt = Timestamp(.nanoseconds(start)) } }
    }

    static func waiting(_ reason: String, _ message: String?) -> Self {
        Self {
            $0.waiting = ContainerStateWaiting {
                $0.reason = reason
                $0.message = message
            }
        }
    }

    static func terminated(_ status: CRI.ContainerStatus, of runtime: String) -> Self {
        Self {
            $0.terminated = ContainerStateTerminated {
                $0.exitCode = status.exitCode
                $0.signal = status.exitCode > 128 ? status.exitCode - 128 : nil
                $0.reason = status.reason
                $0.message = status.message.isEmpty ? nil : status.message
                $0.startedAt = Timestamp(.nanoseconds(status.startedAt))
                $0.finishedAt = Timestamp(.nanoseconds(status.finishedAt))
                $0.containerID = "\(runtime)://\(status.id)"
            }
        }
    }
}

extension KubernetesAPI.ContainerUser {
    init(_ user: CRI.ContainerUser) {
        self.init {
            $0.linux = LinuxContainerUser {
                $0.uid = Int64(user.userID)
                $0.gid = Int64(user.groupID)
                $0.supplementalGroups = user.supplementaryGroups.map(Int64.init)
            }
        }
    }
}
