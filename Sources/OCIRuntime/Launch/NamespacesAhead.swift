import CLaunch
import Glibc
import Launch
import OCISpecification

/// Namespaces that the kernel makes while the rest is decided and prepared, in another thread: a network namespace, which is most of what a container takes to be
/// cloned, and a mount namespace with the container's root in it, where the host's was left behind.
///
/// One of each in a process, and none where it would be another's than the initial user namespace's, or where a time namespace is entered,
/// which a process with a second thread may not. The first instructions begin the first where they can see that one will be wanted.
struct NamespacesAhead {
    private let isUnderWay: Bool
    /// What becomes the mount namespace's root.
    private(set) var tree: SharedDescriptor?

    init(for linux: LinuxSpecification) {
        let isAlone = linux.namespace("user") == nil && linux.namespace("time") == nil
        let isWanted = isAlone && linux.isNew("network")
        if !isWanted { crt_network_drop() }
        isUnderWay = isWanted && crt_network_begin() == 0
    }

    /// Begins the mount namespace of a container whose way into it is the plain one: not where hooks are to find the host's tree, nor where a file system can only
    /// be made with something of it covered. What stands in the way is told in its turn, by whoever finds it there again.
    mutating func beginRoot(of plan: BundlePlan) {
        let isPlain =
            plan.isNew(.mount) && plan.isNew(.pid) && !plan.awaitsHooks && plan.startHooks.isEmpty
            && plan.rootPropagation & UInt32(MS_SLAVE | MS_SHARED) == 0
            && plan.mounts.allSatisfy { $0.options.allSatisfy { $0.utf8.count <= CL_LONGEST_OPTION } }
        let hasSources = plan.mounts.contains { if case .bind = $0.source { true } else { false } }
        // Else copies are made of what is attached somewhere, in their turn, and what lies there is covered for the moment.
        let isInTurn = !hasSources || cmnt_copies_detached() != 0
        guard isUnderWay, isPlain, isInTurn, let tree = try? plan.openRoot() else { return }
        if (try? tree.withRaw { crt_root_begin($0) }) == 0 { self.tree = tree }
    }

    /// Those that a launch is to take.
    var kinds: [NamespaceKind] { (isUnderWay ? [.network] : []) + (tree == nil ? [] : [.mount]) }

    /// Lets go of the namespaces and of the tree, which are the process's alone from then on and end with it.
    func letGo() {
        tree?.close()
        crt_ahead_end()
    }
}
