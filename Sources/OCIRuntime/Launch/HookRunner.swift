import CLaunch
import Glibc
import JSONTree
import Launch
import OCISpecification

/// Runs a bundle's hooks, each with the container's state on its standard input. One that says no environment has this program's, and it runs in
/// the bundle: so runc and crun do, and hooks rely on it. Those of `startContainer` are run by the container's process (`LaunchHook`).
struct HookRunner {
    var state: ContainerState
    /// Of the container's process: who a hook is where the container's user namespace has no root.
    var userID: UInt32 = 0
    var groupID: UInt32 = 0

    /// In order, in this process's namespaces; the first that fails ends it.
    func run(
        _ hooks: [HookSpecifications.Hook], _ name: String, _ status: ContainerStatus
    ) throws(OCIRuntimeError) {
        for hook in hooks { try run(hook, name, status, handle: -1, kinds: 0, cgroup: -1) }
    }

    /// In the namespaces of the container's process, by whose numbers the state is told, and in its cgroup.
    func runInside(
        _ hooks: [HookSpecifications.Hook], _ name: String, _ status: ContainerStatus, handle: Int32
    ) throws(OCIRuntimeError) {
        if hooks.isEmpty { return }
        var kinds: UInt32 = 0
        let code = crt_different_namespaces(state.processID, .max, &kinds)
        guard code == 0 else { throw .kernel(KernelError("read", "/proc/\(state.processID)/ns", -code)) }
        let group = try OptionalDescriptor(state.cgroup)
        var inner = self
        inner.state.processID = ProcessFacts.innermostNumber(of: state.processID) ?? state.processID
        for hook in hooks { try inner.run(hook, name, status, handle: handle, kinds: kinds, cgroup: group.raw) }
    }

    /// All of them; what fails is told and passed over.
    func runAll(
        _ hooks: [HookSpecifications.Hook], _ name: String, _ status: ContainerStatus, log: RuntimeLog
    ) {
        for hook in hooks {
            do throws(OCIRuntimeError) { try run(hook, name, status, handle: -1, kinds: 0, cgroup: -1) } catch {
                log.warning(error.description)
            }
        }
    }

    private func run(
        _ hook: HookSpecifications.Hook, _ name: String, _ status: ContainerStatus, handle: Int32, kinds: UInt32,
        cgroup: Int32
    ) throws(OCIRuntimeError) {
        var text = [CChar](repeating: 0, count: 512)
        var order = crt_hook()
        order.milliseconds = hook.timeout.map { Int32(clamping: min($0, Int64(Int32.max)) * 1000) } ?? -1
        order.pidfd = handle
        order.kinds = kinds
        order.cgroup = cgroup
        order.uid = userID
        order.gid = groupID
        let code = carryOut(&order, hook, state.described(status).encoded(), &text)
        if code == 0 { return }
        let said = LaunchHook.line(of: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) })
        let cause: String =
            code == -ETIMEDOUT
            ? "it did not end within \(hook.timeout ?? 0) s and was killed"
            : code < 0 ? KernelError.text(of: -code) : "it ended with \(code)"
        throw .hook(name: name, path: hook.path, cause: cause + (said.isEmpty ? "" : ": " + said))
    }

    private func carryOut(
        _ order: inout crt_hook, _ hook: HookSpecifications.Hook, _ input: [UInt8], _ text: inout [CChar]
    ) -> Int32 {
        withCStrings([hook.path, state.bundle]) { names in
            withCStrings(hook.arguments.isEmpty ? [hook.path] : hook.arguments) { argv in
                withCStrings(hook.environment ?? []) { envp in
                    input.withUnsafeBytes { input in
                        order.path = UnsafePointer(names[0])
                        order.directory = UnsafePointer(names[1])
                        order.argv = argv
                        order.envp = hook.environment == nil ? nil : envp
                        order.input = input.baseAddress
                        order.input_size = UInt64(input.count)
                        return crt_run_hook(&order, &text, UInt64(text.count))
                    }
                }
            }
        }
    }
}
