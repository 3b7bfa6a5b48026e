import APIMachinery
import KubernetesAPI

@testable import Scheduler

/// What the tests begin with, and what they ask of a core.
enum Made {
    static func node(
        _ name: String, cpu: Int64 = 4, pods: Int64 = 110, labels: [String: String] = [:],
        _ change: (inout Node) -> Void = { _ in }
    ) -> Node {
        var node = Node(name: name) { node in
            node.metadata.labels = labels.merging(["kubernetes.io/hostname": name]) { own, _ in own }
            node.status.allocatable = [
                "cpu": Quantity(cpu), "memory": Quantity(8 << 30, format: .binary), "pods": Quantity(pods),
            ]
        }
        change(&node)
        return node
    }

    static func pod(_ name: String, milliCPU: Int64 = 0, _ change: (inout Pod) -> Void = { _ in }) -> Pod {
        var pod = Pod(name: name, namespace: "default") { pod in
            pod.metadata.uid = name
            pod.spec.containers = [
                Container { container in
                    container.name = "app"
                    guard milliCPU > 0 else { return }
                    container.resources = ResourceRequirements { $0.requests = ["cpu": Quantity(milli: milliCPU)] }
                }
            ]
        }
        change(&pod)
        return pod
    }

    static func core(_ nodes: [Node]) -> SchedulerCore {
        var core = SchedulerCore()
        for node in nodes { core.noteNode(node, now: .zero) }
        return core
    }

    /// The node that a new pod is bound to.
    static func placement(of pod: Pod, in core: inout SchedulerCore, now: Duration = .zero) -> String? {
        core.notePod(pod, now: now)
        guard case .bind(_, let node)? = core.next(now: now) else { return nil }
        return node
    }

    /// Why a new pod waits.
    static func message(of pod: Pod, in core: inout SchedulerCore) -> String? {
        core.notePod(pod, now: .zero)
        guard case .wait(_, let message)? = core.next(now: .zero) else { return nil }
        return message
    }
}
