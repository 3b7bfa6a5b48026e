import Glibc
import Linux

/// A request to a pod's monitor that failed.
package enum PodMonitorError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The monitor could not be spawned for this pod.
    case spawn(pod: String, cause: KernelError)
    /// No monitor answers in this directory.
    case unreachable(directory: String, cause: KernelError)
    /// The monitor speaks a protocol version this daemon does not know.
    case version(directory: String, found: UInt32)
    /// The monitor died or was shut down.
    case monitorGone(pod: String)
    /// The process did not come to run. `detail` names the mount or path where there is one.
    case launch(id: String, stage: LaunchStage, code: Int32, detail: String?)
    /// A hook of the container failed: the launch plan's one at the index, by its name where that is known.
    case hook(id: String, index: Int, name: String?, code: Int32, said: String)
    /// The monitor knows no container or session of this identifier, or it is in a state that does not allow the call.
    case notFound(id: String)
    case alreadyExists(id: String)
    case wrongState(id: String, operation: String)
    /// There are too many of what the second value names, such as "requests".
    case limit(id: String, of: String)
    /// A kernel call of the monitor or of this client failed.
    case kernel(KernelError)

    /// The monitor runs no more, or can be no use to this daemon; anything else passes.
    var tellsOfItsEnd: Bool {
        switch self {
        case .monitorGone, .version: true
        case .unreachable(_, let cause): cause.code == ECONNREFUSED || cause.code == ENOENT
        default: false
        }
    }

    /// The program is not in the container: exit code 127 by custom.
    package var isCommandNotFound: Bool {
        if case .launch(_, .exec, let code, _) = self { code == ENOENT || code == ENOTDIR } else { false }
    }

    /// The program is there and cannot be executed: exit code 126 by custom.
    package var isPermissionDenied: Bool {
        if case .launch(_, .exec, let code, _) = self { !isCommandNotFound && code != 0 } else { false }
    }

    /// The host has nothing left for a process more; the container and the program are not at fault.
    var isOfHost: Bool {
        guard case .launch(_, let stage, let code, _) = self, stage != .exec else { return false }
        return [EAGAIN, ENOMEM, ENFILE, EMFILE].contains(code)
    }

    /// With the program that could not be executed, or the directory that could not be entered, where the monitor did not say it.
    func naming(_ program: String, in directory: String = "") -> PodMonitorError {
        guard case .launch(let id, let stage, let code, nil) = self else { return self }
        let detail = stage == .exec ? program : stage == .workingDirectory ? directory : ""
        return detail.isEmpty ? self : .launch(id: id, stage: stage, code: code, detail: detail)
    }

    /// With the name of the hook that failed.
    func naming(hooks: [String]) -> PodMonitorError {
        guard case .hook(let id, let index, _, let code, let said) = self, hooks.indices.contains(index) else {
            return self
        }
        return .hook(id: id, index: index, name: hooks[index], code: code, said: said)
    }

    package var description: String {
        switch self {
        case .spawn(let pod, let cause): "cannot start the monitor of pod \(pod): \(cause)"
        case .unreachable(let directory, let cause): "no pod monitor answers in \(directory): \(cause)"
        case .version(let directory, let found):
            "the pod monitor in \(directory) speaks protocol version \(found), which this daemon does not know"
        case .monitorGone(let pod): "the monitor of pod \(pod) is gone; the pod must be made anew"
        case .launch(let id, let stage, let code, let detail): launchText(id, stage, code, detail)
        case .hook(let id, let index, let name, let code, let said):
            "\(name ?? "hook \(index) of \(id)"): \(LaunchStage.hook.cause(code))\(said.isEmpty ? "" : ": " + said)"
        case .notFound(let id): "the pod's monitor knows no \(id)"
        case .alreadyExists(let id): "\(id) already exists in this pod"
        case .wrongState(let id, let operation): "cannot \(operation) \(id) in its present state"
        case .limit(let id, let bound): "\(id): too many \(bound)"
        case .kernel(let error): error.description
        }
    }

    private func launchText(_ id: String, _ stage: LaunchStage, _ code: Int32, _ detail: String?) -> String {
        let object = detail.map { " \"\($0)\"" } ?? ""
        if isCommandNotFound { return "\(id): exec\(object): command not found in the container" }
        if stage == .exec && code == EACCES { return "\(id): exec\(object): permission denied in the container" }
        return "\(id): failed \(stage)\(object): \(stage.cause(code))"
    }
}
