import CRI
import Kubelet
import Logging

/// Ends the kubelet's pods when the daemon is told to (`stop-pods-on-exit`): each container gets its pod's grace, all pods at one time. What else
/// the runtime has is not touched.
struct PodStop: Sendable {
    let runtime: any RuntimeService
    let logger: Logger
    /// Seconds by the pod's uid, an hour at most.
    let graces: [String: Int64]
    /// Seconds for pods that are not among these, where their containers do not say it: those of before, where nobody has told the kubelet of its pods yet.
    /// Nil: they are left alone.
    let othersGrace: Int64?

    /// - Parameters:
    ///   - runtime: the kubelet's.
    ///   - graces: those of the kubelet's pods.
    init(runtime: any RuntimeService, graces: [String: Int64], othersGrace: Int64? = nil, logger: Logger) {
        self.runtime = runtime
        self.logger = logger
        self.othersGrace = othersGrace
        self.graces = graces.mapValues(Self.bounded)
    }

    private static func bounded(_ grace: Int64) -> Int64 { min(max(grace, 0), 3_600) }

    func run() async {
        let sandboxes: [PodSandboxStatus]
        do throws(CRIError) {
            sandboxes = try await runtime.listPodSandboxes(PodSandboxFilter()).filter(\.isHeld)
        } catch {
            return logger.warning("pods not stopped", metadata: ["cause": "\(error)"])
        }
        let ending = sandboxes.filter { sandbox in
            sandbox.sessionName == nil && (graces[sandbox.metadata.uid] != nil || othersGrace != nil)
        }
        logger.info("stopping pods", metadata: ["pods": "\(ending.count)"])
        await withDiscardingTaskGroup { group in
            for sandbox in ending { group.addTask { await stop(sandbox) } }
        }
    }

    private func stop(_ sandbox: PodSandboxStatus) async {
        do throws(CRIError) {
            let filter = ContainerFilter(sandbox: sandbox.id, state: .running)
            let containers = try await runtime.listContainers(filter)
            await withDiscardingTaskGroup { group in
                for container in containers { group.addTask { await stop(container, of: sandbox) } }
            }
            try await runtime.stopPodSandbox(sandbox.id)
        } catch {
            report("pod not stopped", sandbox, error)
        }
    }

    private func stop(_ container: ContainerStatus, of sandbox: PodSandboxStatus) async {
        let noted = container.annotations[ContainerLabel.terminationGrace].flatMap { Int64($0) }.map(Self.bounded)
        let grace = graces[sandbox.metadata.uid] ?? noted ?? othersGrace ?? 0
        do throws(CRIError) {
            try await runtime.stopContainer(container.id, timeout: .seconds(grace))
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
