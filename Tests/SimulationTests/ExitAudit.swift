import JSONTree
import KubernetesAPI

/// Holds a pod's status against the ends of its containers.
enum ExitAudit {
    private static func text(_ status: KubernetesAPI.ContainerStatus) -> String {
        String(decoding: JSONValue.object(status.storage).encoded(), as: UTF8.self)
    }

    /// The newest end of each container must stand in the status, or the container runs again by now.
    static func unreported(in pod: Pod, exits: [Machine.Exit]) -> [String] {
        exits.compactMap { exit in
            let status = (pod.status.initContainerStatuses + pod.status.containerStatuses)
                .first { $0.name == exit.container }
            guard let status else { return "the end of \(exit.id) (\(exit.code)) is not in its status" }
            if status.restartCount > Int32(exit.attempt) { return nil }
            for state in [status.state, status.lastState] {
                guard let ended = state.terminated, ended.containerID == "swiftlet://\(exit.id)" else { continue }
                return ended.exitCode == exit.code
                    ? nil : "the end of \(exit.id) (\(exit.code)) is told as \(ended.exitCode)"
            }
            return "the end of \(exit.id) (\(exit.code)) was never told: \(Self.text(status))"
        }
    }
}
