import DBus
import Glibc
import Launch
import OCISpecification

/// Why a call failed. The message names the object and what to do.
package enum OCIRuntimeError: Error, Sendable, CustomStringConvertible {
    /// The command line.
    case usage(String)
    case specification(OCIError)
    /// A clause that this host or this runtime cannot hold.
    case unsupported(field: String, cause: String)
    /// `container` is in no state for what was asked.
    case state(container: String, cause: String)
    /// A session that was ended together with `container`, by SIGKILL.
    case killed(container: String, cause: String)
    case kernel(KernelError)
    /// On the way to the container's program: at which stage, on which of its objects (as text and as the plan's index), and the errno.
    case launch(LaunchStage, object: String?, code: Int32, index: UInt32)
    case hook(name: String, path: String, cause: String)
    /// What systemd was asked for and did not do.
    case unit(name: String, DBusError)

    static var noContainer: OCIRuntimeError {
        .usage(
            "a container id is missing; COMMAND --help shows where it goes, `swiftlet-oci list` which there are"
        )
    }

    /// What the call gives back for it; nil: what its verb has for failures.
    var exitCode: Int32? {
        if case .killed = self { 128 + SIGKILL } else { nil }
    }

    /// Whether the process on its way can have been killed: what it has said of itself, it said alive.
    var canBeOfKilled: Bool {
        guard case .launch(let stage, _, let code, _) = self else { return true }
        return stage == .clone && code == ECHILD
    }

    package var description: String {
        switch self {
        case .usage(let text): text
        case .specification(let error): error.description
        case .unsupported(let field, let cause): "\(field): \(cause)"
        case .state(let container, let cause), .killed(let container, let cause): "container \(container): \(cause)"
        case .kernel(let error): error.description
        case .launch(let stage, let object, let code, _):
            stage.description + (object.map { " (\($0))" } ?? "") + ": " + stage.cause(code)
        case .hook(let name, let path, let cause): "\(name) hook \(path): \(cause)"
        case .unit(let name, let error): "systemd unit \(name): \(error)" + OCIRuntimeError.wayOut(error, name)
        }
    }

    private static func wayOut(_ error: DBusError, _ unit: String) -> String {
        switch error {
        case .unreachable:
            "; without --systemd-cgroup (podman: --cgroup-manager cgroupfs) the cgroup is made directly"
        case .refused(let name, _) where name.hasSuffix(".UnitExists"):
            "; `systemctl status \(unit)` shows whose it is"
        case .timedOut:
            "; `systemctl status \(unit)` shows what systemd is doing, `systemctl list-jobs` what it waits for"
        default: ""
        }
    }
}

/// Runs kernel calls and gives their error this module's type.
func kernel<Result: ~Copyable>(_ body: () throws(KernelError) -> Result) throws(OCIRuntimeError) -> Result {
    do throws(KernelError) { return try body() } catch { throw .kernel(error) }
}

func cgroups<Result>(_ body: () throws(CgroupError) -> Result) throws(OCIRuntimeError) -> Result {
    do throws(CgroupError) { return try body() } catch {
        if case .kernel(let error) = error { throw .kernel(error) }
        throw .unsupported(field: "linux.cgroupsPath", cause: error.description)
    }
}
