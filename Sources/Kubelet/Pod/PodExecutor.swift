import APIMachinery
import CRI
import Client
import KubernetesAPI
import Logging
import Synchronization

/// Carries a pod's operations out: the only place where the kubelet's decisions meet the runtime, the volumes and the API.
struct PodExecutor: Sendable {
    let node: NodeIdentity
    let runtime: any RuntimeService
    let images: any ImageService
    let pulls: PullRecords
    let volumes: any PodVolumes
    let source: any PodStatusSink
    let objects: any ReferencedObjects
    let watches: ObjectWatches
    let tokens = PodTokens()
    let claims = ImageClaims()
    let recorder: any PodEventRecorder
    let prober: Prober
    let settings: PodSettings
    var links = ServiceLinks { _ in [] }
    let time: any TimeSource
    let sequence = SequenceNumber()

    /// Reads what the runtime has of the pod; nil where the runtime does not answer, which says nothing of the pod.
    func observe(_ pod: Pod) async -> PodObservation? {
        let sequence = sequence.next()
        guard var observation = try? await runtime.observe(podUID: pod.metadata.uid) else { return nil }
        observation.sequence = sequence
        for index in observation.containers.indices where observation.containers[index].state == .exited {
            observation.containers[index].message = await volumes.terminationMessage(observation.containers[index])
        }
        return observation
    }

    /// Asks once a second until there is an answer; nil where the task is cancelled before.
    func untilAnswered<Answer>(_ ask: () async -> Answer?) async -> Answer? {
        while !Task.isCancelled {
            if let answer = await ask() { return answer }
            try? await time.sleep(for: .seconds(1))
        }
        return nil
    }

    private func forget(_ pod: Pod) {
        tokens.forget(podUID: pod.metadata.uid)
        claims.forget(podUID: pod.metadata.uid)
    }

    /// - Returns: how it ended, and what the runtime has of the pod afterwards where that may have changed.
    func carryOut(
        _ operation: PodOperation, _ pod: Pod, _ observation: PodObservation
    ) async -> (PodOutcome, PodObservation?) {
        switch operation {
        case .prepareVolumes:
            return (await written { () async throws(OperationError) in try await prepareVolumes(pod) }, nil)
        case .refreshVolumes:
            return (await written { () async throws(OperationError) in try await writeVolumes(pod) }, nil)
        case .cleanVolumes:
            return (
                await outcome { () async throws(OperationError) in
                    forget(pod)
                    try await volumes.clean(pod.metadata.uid, logs: logDirectory(of: pod))
                }, nil
            )
        case .releaseVolumes:
            return (
                await outcome { () async throws(OperationError) in
                    forget(pod)
                    try await volumes.release(pod.metadata.uid)
                }, nil
            )
        case .publish(let status):
            return (await outcome { () async throws(OperationError) in try await source.publish(status, of: pod) }, nil)
        case .confirmDeletion:
            return (await outcome { () async throws(OperationError) in try await source.confirmDeletion(of: pod) }, nil)
        case .ensureImages(let name, _, let held):
            return (await ensureImages(of: name, pod, observation, held: held), nil)
        case .probe(let key, let timeout):
            return (await prober.check(key, pod, observation, timeout: timeout), nil)
        case .createSandbox(let attempt):
            return await change(pod) { () async throws(OperationError) in
                if let last = observation.sandboxes.first { try await stopLost(last) }
                try await createSandbox(pod, attempt: attempt)
            }
        case .startContainer(let name, let attempt, let images):
            return await change(pod) { () async throws(OperationError) in
                try await start(name, of: pod, attempt: attempt, images: images, observation)
            }
        case .stopContainer(let id, _, let grace, isShortened: true):
            return await change(pod, or: "FailedKillPod") { () async throws(CRIError) in
                try await runtime.stopContainer(id, timeout: grace)
            }
        case .stopContainer(let id, let name, let grace, isShortened: false):
            return await change(pod) { () async throws(OperationError) in
                try await stop(id, name, of: pod, observation, grace: grace)
            }
        case .removeContainer(let id):
            return await change(pod, or: "FailedRemove") { () async throws(CRIError) in
                try await runtime.removeContainer(id)
            }
        case .stopSandbox(let id):
            return await change(pod, or: "FailedKillPod") { () async throws(CRIError) in
                try await runtime.stopPodSandbox(id)
            }
        case .removeSandbox(let id):
            return await change(pod, or: "FailedRemove") { () async throws(CRIError) in
                try await runtime.removePodSandbox(id)
            }
        }
    }

    /// Carries out what changes what the runtime has, and looks at it afterwards.
    private func change(
        _ pod: Pod, _ body: () async throws(OperationError) -> Void
    ) async -> (PodOutcome, PodObservation?) {
        let outcome = await outcome(body)
        return (outcome, await observe(pod))
    }

    private func change(
        _ pod: Pod, or reason: String, _ body: () async throws(CRIError) -> Void
    ) async -> (PodOutcome, PodObservation?) {
        await change(pod) { () async throws(OperationError) in try await criOperation(reason, body) }
    }

    private func outcome(_ body: () async throws(OperationError) -> Void) async -> PodOutcome {
        do throws(OperationError) {
            try await body()
            return .success
        } catch {
            return .failure(reason: error.reason, message: error.message)
        }
    }

    private func written(_ body: () async throws(OperationError) -> VolumeContents) async -> PodOutcome {
        do throws(OperationError) {
            return .prepared(try await body())
        } catch {
            return .failure(reason: error.reason, message: error.message)
        }
    }

    func record(_ pod: Pod, _ isWarning: Bool, _ reason: String, _ message: String, _ container: String?) {
        recorder.record(
            PodEventMessage(isWarning: isWarning, reason: reason, message: message, container: container), on: pod)
    }
}

/// Numbers observations in the order they were begun.
final class SequenceNumber: Sendable {
    private let last = Atomic<UInt64>(0)

    func next() -> UInt64 {
        last.wrappingAdd(1, ordering: .relaxed).newValue
    }
}

/// Why an operation failed, in the words of a status and an event.
struct OperationError: Error, Sendable, Hashable {
    var reason: String
    var message: String

    init(_ reason: String, _ message: String) {
        self.reason = reason
        self.message = message
    }
}

/// Runs a call to the runtime; its failure gets `reason`.
func criOperation<Value>(
    _ reason: String, _ body: () async throws(CRIError) -> Value
) async throws(OperationError) -> Value {
    do throws(CRIError) {
        return try await body()
    } catch {
        throw OperationError(reason, error.description)
    }
}

/// Where a pod's status goes: to the API server, or nowhere for a static pod while there is none.
protocol PodStatusSink: Sendable {
    func publish(_ status: PodStatus, of pod: Pod) async throws(OperationError)
    func confirmDeletion(of pod: Pod) async throws(OperationError)
}

/// Reads the objects that pods refer to, and the node they are on.
protocol ReferencedObjects: Sendable {
    /// nil where it does not exist.
    func configMap(_ name: String, in namespace: String) async throws(OperationError) -> ConfigMap?
    func secret(_ name: String, in namespace: String) async throws(OperationError) -> Secret?
    /// nil where nobody can be asked.
    func nodeLabels(_ node: String) async -> [String: String]?
    /// A token for the pod's service account.
    func token(
        for pod: Pod, audiences: [String], expirationSeconds: Int64
    ) async throws(OperationError) -> IssuedToken
}

struct PodEventMessage: Sendable, Hashable {
    var isWarning: Bool
    var reason: String
    var message: String
    var container: String?
}

protocol PodEventRecorder: Sendable {
    func record(_ message: PodEventMessage, on pod: Pod)
}

/// What every pod of the node is given.
package struct PodSettings: Sendable {
    /// The cluster's name service, "" for none.
    package var clusterDNS: [String]
    package var clusterDomain: String
    /// `/var/log/pods`.
    package var logRoot: String
    /// Bytes, for the OOM score.
    package var nodeMemory: Int64
    /// The host's own resolver, for `dnsPolicy: Default` and for names outside the cluster.
    package var hostResolver: String
    /// How a container finds the API server.
    package var apiService: (host: String, port: UInt16)?
    /// The most processes and threads in one pod; nil: no limit.
    package var processesPerPod: Int64?
    /// What the node has for pods, by resource.
    package var allocatable: [String: Quantity] = [:]
    /// What pods may set of the kernel.
    package var sysctls = SysctlAllowlist()
    /// The directory that profiles of type Localhost are beneath.
    package var seccompProfiles = ""
    /// Whether the kernel runs with AppArmor, so that pods can be confined by it.
    package var hasAppArmor = false

    package init(
        clusterDNS: [String], clusterDomain: String, logRoot: String, nodeMemory: Int64, hostResolver: String,
        apiService: (host: String, port: UInt16)?, processesPerPod: Int64? = nil
    ) {
        self.clusterDNS = clusterDNS
        self.clusterDomain = clusterDomain
        self.logRoot = logRoot
        self.nodeMemory = nodeMemory
        self.hostResolver = hostResolver
        self.apiService = apiService
        self.processesPerPod = processesPerPod
    }
}
