import CLaunch
import Launch
import OCISpecification

/// A new network namespace that the kernel makes while the rest is decided and prepared: most of what a container takes to be cloned.
///
/// One in a process, and none where it would be another's than the initial user namespace's, or where a time namespace is entered,
/// which a process with a second thread may not. The first instructions begin it where they can see that one will be wanted.
struct NetworkAhead {
    private let isUnderWay: Bool

    init(for linux: LinuxSpecification) {
        let isAlone = linux.namespace("user") == nil && linux.namespace("time") == nil
        let isWanted = isAlone && linux.isNew("network")
        if !isWanted { crt_network_drop() }
        isUnderWay = isWanted && crt_network_begin() == 0
    }

    /// Lets the plan join it; without one the plan stays as it is. The descriptor lives as long as this process.
    func take(into plan: inout BundlePlan) throws(OCIRuntimeError) {
        guard isUnderWay, let index = plan.namespaces.firstIndex(where: { $0.kind == .network }) else { return }
        let descriptor = crt_network_take()
        guard descriptor >= 0 else { throw .kernel(KernelError("make", "a network namespace", -descriptor)) }
        plan.namespaces[index].path = "/proc/self/fd/\(descriptor)"
    }
}
