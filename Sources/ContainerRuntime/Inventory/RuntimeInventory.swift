import CRI
import Linux

/// What of one instance's runtime is on this node, found by its places alone. Recovery, the uninstallation and the doctor all look here.
package struct RuntimeInventory: Sendable, Hashable {
    /// The cgroup of one pod.
    package struct PodCgroup: Sendable, Hashable {
        package var path: String
        /// The processes in and beneath each group in it, by the group's name; those in the pod's own under the empty name.
        package var groups: [String: [Int32]]

        package init(path: String, groups: [String: [Int32]] = [:]) {
            self.path = path
            self.groups = groups
        }

        package var processes: [Int32] { groups.values.flatMap { $0 } }
    }

    package var cgroups: [PodCgroup] = []
    /// Cgroups of ours that are neither a pod's nor one that pods are under.
    package var otherCgroups: [String] = []
    /// All processes in our subtrees.
    package var processes: [Int32] = []
    /// What is mounted beneath the runtime's directories, deepest first.
    package var mounts: [FilePath] = []
    /// Directories of sandboxes and of containers' writable layers, with whatever else lies beside them.
    package var directories: [String] = []
    /// Records of containers, by the directory of their sandbox.
    package var containerRecords: [String] = []

    package init() {}

    /// Looks at the node. Blocks for as long as the kernel needs. What goes while it is looked at is left out.
    package init(_ paths: RuntimePaths, kernel: any RuntimeKernel) throws(KernelError) {
        try findCgroups(paths, kernel)
        for root in [paths.state, paths.data] { mounts += try kernel.mounts(beneath: root) }
        for directory in [paths.sandboxes, paths.containers] {
            directories += Self.names(in: directory).map { directory + "/" + $0 }
        }
        for sandbox in directories where sandbox.hasPrefix(paths.sandboxes + "/") {
            let records = sandbox + "/containers"
            containerRecords += Self.names(in: records).filter { $0.hasSuffix(".json") }.map { records + "/" + $0 }
        }
    }

    /// Under each parent that our subtree is or was under.
    private mutating func findCgroups(_ paths: RuntimePaths, _ kernel: any RuntimeKernel) throws(KernelError) {
        let former = try Self.formerCgroups(paths, kernel: kernel)
        for root in [paths.cgroupRoot] + former { try findOwnCgroups(paths.moved(to: root), kernel) }
        for path in try Self.foreignCgroups(paths, kernel: kernel) { cgroups.append(try Self.podCgroup(path, kernel)) }
    }

    private mutating func findOwnCgroups(_ paths: RuntimePaths, _ kernel: any RuntimeKernel) throws(KernelError) {
        processes += try kernel.processes(beneath: paths.cgroupRoot)
        let classes = Set(CgroupClass.allCases.map { paths.podCgroups($0) })
        otherCgroups += try kernel.childCgroups(of: paths.cgroupRoot).map { paths.cgroupRoot + "/" + $0 }
            .filter { $0 != paths.podCgroups }
        for parent in classes.sorted() {
            for name in try kernel.childCgroups(of: parent) where !classes.contains(parent + "/" + name) {
                cgroups.append(try Self.podCgroup(parent + "/" + name, kernel))
            }
        }
    }

    /// The cgroups of our pods that another kubelet has put under its own.
    package static func foreignCgroups(
        _ paths: RuntimePaths, kernel: any RuntimeKernel
    ) throws(KernelError) -> [String] {
        try cgroups(paths, kernel, passingOver: paths.cgroupRoot) { paths.isForeignCgroup($0) }
    }

    /// Our own subtrees, which bear the instance's name: more than one where the parent was another once.
    package static func ownCgroups(_ paths: RuntimePaths, kernel: any RuntimeKernel) throws(KernelError) -> [String] {
        let name = paths.cgroupRoot.split(separator: "/").last.map(String.init)
        return try cgroups(paths, kernel) { $0 == name }
    }

    /// Those of them under parents that are no longer set. What is above the one in use is none: it would be taken away with it.
    static func formerCgroups(_ paths: RuntimePaths, kernel: any RuntimeKernel) throws(KernelError) -> [String] {
        try ownCgroups(paths, kernel: kernel).filter { !(paths.cgroupRoot + "/").hasPrefix($0 + "/") }
    }

    /// Those of the whole hierarchy, eight levels deep, that have such a name. What is beneath one of them goes with it.
    private static func cgroups(
        _ paths: RuntimePaths, _ kernel: any RuntimeKernel, passingOver known: String? = nil,
        _ isNamed: (String) -> Bool
    ) throws(KernelError) -> [String] {
        var found: [String] = []
        var level = [paths.cgroupMount]
        for _ in 0..<8 {
            var next: [String] = []
            for parent in level {
                for name in try kernel.childCgroups(of: parent).sorted() where parent + "/" + name != known {
                    let path = parent + "/" + name
                    if isNamed(name) { found.append(path) } else { next.append(path) }
                }
            }
            level = next
        }
        return found
    }

    private static func podCgroup(_ path: String, _ kernel: any RuntimeKernel) throws(KernelError) -> PodCgroup {
        var found = PodCgroup(path: path)
        let all = try kernel.processes(beneath: path)
        for name in try kernel.childCgroups(of: path) {
            found.groups[name] = try kernel.processes(beneath: path + "/" + name)
        }
        let beneath = Set(found.processes)
        let own = all.filter { !beneath.contains($0) }
        if !own.isEmpty { found.groups[""] = own }
        return found
    }

    private static func names(in directory: String) -> [String] {
        (try? OpenDirectory(directory).names()) ?? []
    }
}

/// One thing of the runtime's on this node.
package struct Leftover: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable { case process, cgroup, mount, directory }
    package var kind: Kind
    /// A path, or a process's number.
    package var path: FilePath

    package init(_ kind: Kind, _ name: String) { self.init(kind, FilePath(name)) }

    package init(_ kind: Kind, _ path: FilePath) {
        self.kind = kind
        self.path = path
    }

    /// For people; a mount's may be no UTF-8.
    package var name: String { path.description }

    /// Takes it away, whatever is in it. What is gone is as good. Blocks.
    package func clear(_ kernel: any RuntimeKernel, deadline: Duration) throws(KernelError) {
        switch kind {
        case .process: break
        case .cgroup:
            try kernel.killCgroup(name, deadline: deadline)
            try kernel.removeCgroup(name)
        case .mount: try kernel.unmount(path)
        case .directory:
            for mount in try kernel.mounts(beneath: name) { try kernel.unmount(mount) }
            try TreeRemoval.remove(name)
        }
    }
}

extension RuntimeInventory {
    /// All of it.
    package var all: [Leftover] {
        cgroups.map { Leftover(.cgroup, $0.path) } + processes.map { Leftover(.process, String($0)) }
            + mounts.map { Leftover(.mount, $0) } + directories.map { Leftover(.directory, $0) }
    }

    /// What no book speaks of, or what a sandbox that was stopped should have given back. Taken before the books were, none of it can belong to
    /// something that is being made.
    package func strays(_ books: RuntimeBooks, _ paths: RuntimePaths) -> [Leftover] {
        strayCgroups(books) + strayMounts(books, paths) + strayDirectories(books, paths)
    }

    private func strayCgroups(_ books: RuntimeBooks) -> [Leftover] {
        let holders = Dictionary(books.holding.map { ($0.cgroup, $0) }, uniquingKeysWith: { first, _ in first })
        let hooked = Set(books.sandboxes.flatMap(\.containers).compactMap(\.hookGroup))
        var strays = otherCgroups.filter { !hooked.contains($0) }.map { Leftover(.cgroup, $0) }
        for cgroup in cgroups {
            guard let holder = holders[cgroup.path] else {
                strays.append(Leftover(.cgroup, cgroup.path))
                continue
            }
            let known = Set(holder.containers.map { $0.cgroupName } + ["monitor", ""])
            strays += cgroup.groups.keys.filter { !known.contains($0) }.sorted().map { cgroup.path + "/" + $0 }
                .filter { !hooked.contains($0) }.map { Leftover(.cgroup, $0) }
        }
        return strays
    }

    private func strayMounts(_ books: RuntimeBooks, _ paths: RuntimePaths) -> [Leftover] {
        let held = Set(books.holding.map { FilePath(paths.sharedMemory(of: $0.id)) })
        var seen: Set<FilePath> = []
        // A second mount in the same place is nobody's: a sandbox mounts once.
        return mounts.filter { !held.contains($0) || !seen.insert($0).inserted }.map { Leftover(.mount, $0) }
    }

    private func strayDirectories(_ books: RuntimeBooks, _ paths: RuntimePaths) -> [Leftover] {
        let containers = books.sandboxes.flatMap(\.containers)
        let known = Set(
            books.sandboxes.map { paths.sandbox($0.id) }
                + containers.flatMap { [paths.writable(of: $0.id), paths.writable(of: $0.layer)] })
        let records = Set(
            books.sandboxes.flatMap { sandbox in
                sandbox.containers.map { paths.containerRecord($0.id, in: sandbox.id) }
            })
        let directories = directories.filter { !known.contains($0) }
        let lost = containerRecords.filter { record in
            !records.contains(record) && !directories.contains { record.hasPrefix($0 + "/") }
        }
        return (directories + lost).map { Leftover(.directory, $0) }
    }
}
