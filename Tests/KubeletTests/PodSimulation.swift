import APIMachinery
import CRI
import KubernetesAPI

@testable import Kubelet

/// A pod's machine with a runtime made of two arrays, on a clock that the test moves. Operations take no time unless they are held.
struct PodSimulation {
    var machine: PodMachine
    var sandboxes: [PodSandboxStatus] = []
    var containers: [CRI.ContainerStatus] = []
    var now = Duration.seconds(1_000)
    /// What the wall clock shows beyond `now`.
    var clockOffset = Duration.zero
    /// Everything carried out, in order, without probes and publications.
    var log: [String] = []
    var events: [String] = []
    /// The events' texts.
    var messages: [String] = []
    var isFinished = false
    var wake: Duration?
    /// What a probe answers, by container and kind.
    var health: [String: Bool] = [:]
    /// The versions of the objects that the volumes are made from, "" for one that does not exist; nil fails.
    var objects: [ReferencedObject: String?] = [:]
    /// How long a token lasts until it is renewed.
    var tokenRenewal: Duration?
    /// Why the sandbox cannot be made.
    var sandboxFailure: String?
    /// Why sandboxes cannot be stopped.
    var sandboxStopFailure: String?
    /// Probes that the node cannot carry out.
    var probeError: String?
    /// Containers whose image cannot be had.
    var imageFailures: [String: PodMachine.Waiting] = [:]
    /// Containers whose pull does not end.
    var endlessPulls: Set<String> = []
    /// Containers whose start fails before they exist.
    var startFailures: [String: String] = [:]
    /// Containers whose program cannot be executed.
    var programFailures: [String: String] = [:]
    /// What does not hold of each container.
    var warnings: [String] = []
    /// Stops of containers are under way and do not end.
    var holdsStops = false
    /// Those stops, by the container's name.
    var heldStops: [String: PodOperation] = [:]
    /// What the stops were given, in order.
    var graces: [Duration] = []
    /// Containers whose start does not end, though they run: their postStart hook does not.
    var endlessHooks: Set<String> = []
    private var sequence: UInt64 = 0

    init(_ pod: Pod, observation: PodObservation = PodObservation()) {
        machine = PodMachine(pod, observation: observation, node: NodeIdentity(name: "n", addresses: ["192.0.2.1"]))
        sandboxes = observation.sandboxes
        containers = observation.containers
        sequence = observation.sequence
    }

    var status: PodStatus { machine.published ?? PodStatus() }
    private var moment: Moment { Moment(wall: Timestamp(now + clockOffset), uptime: now) }
    private var nanoseconds: Int64 { Int64((now + clockOffset).components.seconds) * 1_000_000_000 }

    mutating func observe() -> PodObservation {
        sequence += 1
        return PodObservation(
            sequence: sequence, sandboxes: sandboxes.sorted { $0.metadata.attempt > $1.metadata.attempt },
            containers: containers.sorted { $0.metadata.attempt > $1.metadata.attempt })
    }

    /// Delivers an event and carries out what follows until nothing more does.
    mutating func deliver(_ event: PodEvent) {
        var queue = [event]
        var steps = 0
        while !queue.isEmpty, steps < 1_000 {
            steps += 1
            for action in machine.step(queue.removeFirst(), at: moment) {
                switch action {
                case .perform(.ensureImages(let name, _, _)) where endlessPulls.contains(name): break
                case .perform(.stopContainer(let id, let name, let grace, let isShortened)) where holdsStops:
                    log.append("stop \(name)")
                    graces.append(grace)
                    if !isShortened { heldStops[name] = .stopContainer(id: id, name: name, grace: grace) }
                case .perform(.startContainer(let name, let attempt, _)) where endlessHooks.contains(name):
                    start(name, attempt)
                case .perform(let operation):
                    let outcome = perform(operation)
                    queue.append(.finished(operation, outcome, observe()))
                case .event(_, let reason, let message, _):
                    events.append(reason)
                    messages.append(message)
                case .wake(let time): wake = time
                case .ended: log.append("ended")
                case .finish: isFinished = true
                }
            }
        }
    }

    /// A stop that was held has succeeded.
    mutating func endStop(_ name: String) {
        guard let stop = heldStops.removeValue(forKey: name),
            let index = containers.lastIndex(where: { $0.metadata.name == name && $0.state == .running })
        else { return }
        end(index, 143)
        deliver(.finished(stop, .success, observe()))
    }

    mutating func look() { deliver(.observed(observe())) }

    /// Moves the clock to each wake-up in turn, up to `duration` from now.
    mutating func advance(_ duration: Duration) {
        let end = now + duration
        while let next = wake, next <= end {
            now = next
            wake = nil
            deliver(.tick)
        }
        now = end
        deliver(.tick)
    }

    mutating func exit(_ name: String, code: Int32) {
        guard let index = containers.lastIndex(where: { $0.metadata.name == name && $0.state == .running }) else {
            return
        }
        end(index, code)
        look()
    }

    private mutating func end(_ index: Int, _ code: Int32) {
        containers[index].state = .exited
        containers[index].exitCode = code
        containers[index].reason = code == 0 ? "Completed" : "Error"
        containers[index].finishedAt = nanoseconds
    }

    /// The sandbox is lost with all it held, as when its monitor dies.
    mutating func loseSandbox() {
        for index in sandboxes.indices {
            sandboxes[index].state = .notReady
            sandboxes[index].isLost = true
        }
        for index in containers.indices where containers[index].state == .running { end(index, 137) }
        look()
    }

    private mutating func perform(_ operation: PodOperation) -> PodOutcome {
        switch operation {
        case .probe(let key, _):
            if let probeError { return .failure(reason: "ProbeError", message: probeError) }
            let isHealthy = health["\(key.container)/\(key.kind.rawValue)"] ?? true
            return .probed(isHealthy: isHealthy, message: isHealthy ? "" : "no")
        case .publish: return .success
        case .prepareVolumes, .refreshVolumes:
            log.append(operation == .prepareVolumes ? "volumes" : "refresh")
            return writeVolumes()
        case .cleanVolumes: log.append("clean")
        case .releaseVolumes: log.append("release")
        case .confirmDeletion: log.append("confirm")
        case .createSandbox(let attempt):
            if let sandboxFailure { return .failure(reason: "FailedCreatePodSandBox", message: sandboxFailure) }
            log.append("sandbox \(attempt)")
            for index in sandboxes.indices { sandboxes[index].isLost = false }
            let metadata = PodSandboxMetadata(name: "p", uid: "u", namespace: "default", attempt: attempt)
            sandboxes.append(
                PodSandboxStatus(
                    id: "s\(attempt)", metadata: metadata, state: .ready, createdAt: nanoseconds,
                    addresses: ["10.42.0.\(attempt + 2)"]))
        case .ensureImages(let name, _, let held):
            return ensureImages(name, held)
        case .startContainer(let name, let attempt, _):
            if let message = startFailures[name] {
                return .failure(reason: "CreateContainerConfigError", message: message)
            }
            start(name, attempt)
            if let message = programFailures[name] {
                end(containers.count - 1, 128)
                containers[containers.count - 1].startedAt = 0
                containers[containers.count - 1].reason = "StartError"
                containers[containers.count - 1].message = message
                return .failure(reason: "RunContainerError", message: message)
            }
        case .stopContainer(let id, let name, _, _):
            log.append("stop \(name)")
            if let index = containers.firstIndex(where: { $0.id == id }) { end(index, 143) }
        case .removeContainer(let id):
            log.append("remove \(id)")
            containers.removeAll { $0.id == id }
        case .stopSandbox(let id):
            if let sandboxStopFailure { return .failure(reason: "FailedKillPod", message: sandboxStopFailure) }
            log.append("stop sandbox")
            for index in sandboxes.indices where sandboxes[index].id == id {
                sandboxes[index].state = .notReady
                sandboxes[index].isLost = false
            }
        case .removeSandbox(let id):
            log.append("remove sandbox")
            sandboxes.removeAll { $0.id == id }
        }
        return .success
    }

    /// What is lacking is a volume's image where the failure is told under its name, else the container's own.
    private mutating func ensureImages(_ name: String, _ held: Set<String>) -> PodOutcome {
        for demand in machine.pod.spec.imageDemands(of: name) {
            guard let failure = imageFailures[demand.container ?? demand.image] else { continue }
            if held.contains(demand.image) {
                let message = "Back-off pulling image \"\(demand.image)\""
                return .imageMissing(demand, reason: "ImagePullBackOff", message: message)
            }
            log.append("pull \(demand.container ?? demand.image)")
            return .imageMissing(demand, reason: failure.reason, message: failure.message)
        }
        return .imagesPresent([:])
    }

    private func writeVolumes() -> PodOutcome {
        var contents = VolumeContents()
        for (object, version) in objects {
            guard let version else { return .failure(reason: "FailedMount", message: "\(object.name) not found") }
            contents.versions[object] = version
        }
        contents.renewal = tokenRenewal.map { now + $0 }
        return .prepared(contents)
    }

    private mutating func start(_ name: String, _ attempt: UInt32) {
        log.append("start \(name) \(attempt)")
        let sandbox = sandboxes.last { $0.state == .ready }?.id ?? ""
        var status = CRI.ContainerStatus(
            id: "\(name)-\(attempt)", sandbox: sandbox, metadata: ContainerMetadata(name: name, attempt: attempt),
            state: .running, createdAt: nanoseconds, image: "i", imageID: "sha256:0")
        status.startedAt = nanoseconds
        status.warnings = warnings
        if attempt > 0, let last = observe().newest(name) { status.annotations = RestartBackoff.note(after: last) }
        status.annotations[ContainerLabel.image] = machine.pod.spec.container(named: name)?.image
        containers.append(status)
    }
}

/// A pod of these containers.
func pod(
    _ containers: [String] = ["a"], initContainers: [Container] = [], restartPolicy: String = "Always",
    _ build: (inout Pod) -> Void = { _ in }
) -> Pod {
    Pod(name: "p", namespace: "default") {
        $0.metadata.uid = "u"
        $0.spec.restartPolicy = restartPolicy
        $0.spec.initContainers = initContainers
        $0.spec.containers = containers.map { name in
            Container {
                $0.name = name
                $0.image = "i"
            }
        }
        build(&$0)
    }
}

extension PodStatus {
    func condition(_ type: String) -> String? { self.conditions.first { $0.type == type }?.status }
}
