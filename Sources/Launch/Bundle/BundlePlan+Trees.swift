import CLaunch
import Glibc

extension BundlePlan {
    /// Opens the root as a detached tree, with its propagation.
    package func openRoot() throws(KernelError) -> SharedDescriptor {
        let tree = try Tree(of: root, recursive: true)
        let isSlave = rootPropagation & UInt32(MS_SLAVE | MS_SHARED) != 0
        try tree.spread(UInt64(isSlave ? MS_SLAVE : MS_PRIVATE), beneath: true)
        return SharedDescriptor(tree.release())
    }

    /// Opens the root, unless that was done, and all bind mounts as detached trees, with their attributes, propagation and id maps: while the host is in sight and
    /// with the caller's rights, which a user namespace would not have.
    package func openTrees(root: SharedDescriptor? = nil) throws(KernelError) -> [SharedDescriptor] {
        var trees: [SharedDescriptor] = []
        if let root { trees.append(root) } else { trees.append(try openRoot()) }
        for mount in mounts {
            guard case .bind(let path, let recursive) = mount.source else { continue }
            do throws(KernelError) {
                let tree = try Tree(of: path, recursive: recursive)
                try mount.settle(tree)
                trees.append(SharedDescriptor(tree.release()))
            } catch {
                throw KernelError("\(mount.field) (\(mount.target)): bind", path, error.code)
            }
        }
        return trees
    }
}

extension BundleMount {
    fileprivate func settle(_ tree: borrowing Tree) throws(KernelError) {
        switch Int(propagation) {
        // A copy belongs to its original's peers: that is what these two keep, one way or both.
        case Int(MS_SLAVE): try tree.spread(UInt64(MS_SLAVE), beneath: true)
        case Int(MS_SHARED): try tree.spread(UInt64(MS_SHARED), beneath: spreadsBeneath)
        // What is unbindable becomes so where it is copied once more, in its turn.
        default: try tree.spread(UInt64(MS_PRIVATE), beneath: true)
        }
        if set | clear != 0 { try tree.change(set: set, clear: clear, beneath: false) }
        if setBeneath | clearBeneath != 0 { try tree.change(set: setBeneath, clear: clearBeneath, beneath: true) }
        guard !userMap.isEmpty else { return }
        let namespace = cs_user_namespace(userMap, groupMap)
        guard namespace >= 0 else { throw KernelError("map the ids of", target, -namespace) }
        defer { close(namespace) }
        try tree.change(set: 0, clear: 0, beneath: mapsBeneath, namespace: namespace)
    }
}

/// A detached mount while it is prepared.
private struct Tree: ~Copyable {
    private let descriptor: Descriptor
    private let path: String

    init(of path: String, recursive: Bool) throws(KernelError) {
        let raw = crt_tree(path, recursive ? 1 : 0)
        guard raw >= 0 else { throw KernelError("open_tree", path, -raw) }
        descriptor = Descriptor(owning: raw)
        self.path = path
    }

    func spread(_ propagation: UInt64, beneath: Bool) throws(KernelError) {
        try check(crt_tree_change(descriptor.raw, 0, 0, propagation, -1, beneath ? 1 : 0))
    }

    func change(set: UInt64, clear: UInt64, beneath: Bool, namespace: Int32 = -1) throws(KernelError) {
        try check(crt_tree_change(descriptor.raw, set, clear, 0, namespace, beneath ? 1 : 0))
    }

    private func check(_ code: Int32) throws(KernelError) {
        if code < 0 { throw KernelError("mount_setattr", path, -code) }
    }

    consuming func release() -> Descriptor { descriptor }
}
