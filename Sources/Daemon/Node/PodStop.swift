import CRI
import JSONTree
import Logging

/// Ends all pods of this node when the daemon is told to (`stop-pods-on-exit`): each container gets its pod's grace, all pods at one time.
struct PodStop: Sendable {
    let runtime: any RuntimeService
    let logger: Logger
    /// Seconds by the pod's uid.
    let graces: [String: Int64]

    /// - Parameter pods: the kubelet's pods, for their `terminationGracePeriodSeconds`.
    init(runtime: any RuntimeService, pods: [JSONValue], logger: Logger) {
        self.runtime = runtime
        self.logger = logger
        graces = Self.graces(pods)
    }

    /// 30 seconds where a pod says nothing, as in Kubernetes; an hour at most.
    static func graces(_ pods: [JSONValue]) -> [String: Int64] {
        var graces: [String: Int64] = [:]
        for pod in pods {
            guard let uid = pod["metadata"]?["uid"]?.string else { continue }
            graces[uid] = min(max(pod["spec"]?["terminationGracePeriodSeconds"]?.integer ?? 30, 0), 3_600)
        }
        return graces
    }

    func run() async {
        guard let sandboxes = try? await runtime.listPodSandboxes(PodSandboxFilter(state: .ready)) else { return }
        logger.info("stopping pods", metadata: ["pods": "\(sandboxes.count)"])
        await withDiscardingTaskGroup { group in
            for sandbox in sandboxes { group.addTask { await stop(sandbox) } }
        }
    }

    private func stop(_ sandbox: PodSandboxStatus) async {
        let grace = Duration.seconds(graces[sandbox.metadata.uid] ?? 30)
        do throws(CRIError) {
            let filter = ContainerFilter(sandbox: sandbox.id, state: .running)
            let containers = try await runtime.listContainers(filter)
            await withDiscardingTaskGroup { group in
                for container in containers {
                    group.addTask { await stop(container, of: sandbox, grace: grace) }
                }
            }
            try await runtime.stopPodSandbox(sandbox.id)
        } catch {
            report("pod not stopped", sandbox, error)
        }
    }

    private func stop(_ container: ContainerStatus, of sandbox: PodSandboxStatus, grace: Duration) async {
        do throws(CRIError) {
            try await runtime.stopContainer(container.id, timeout: grace)
        } catch {
            report("container not stopped", sandbox, error)
        }
    }

    private func report(_ message: Logger.Message, _ sandbox: PodSandboxStatus, _ error: CRIError) {
        logger.warning(
            message,
            metadata: ["pod": "\(sandbox.metadata.namespace)/\(sandbox.metadata.name)", "cause": "\(error)"])
    }
}
