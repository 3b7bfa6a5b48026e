import Glibc

/// One group of the unified hierarchy. A value that names it: the group itself lives in the kernel.
///
/// The calls are quick but enter the kernel: make them on a thread that may block.
package struct Cgroup: Sendable, Equatable {
    package let hierarchy: CgroupHierarchy
    /// Beneath the mount point, without a leading slash.
    package let name: String

    package init(_ name: String, in hierarchy: CgroupHierarchy) {
        self.hierarchy = hierarchy
        self.name = name
    }

    /// The group's directory, absolute.
    package var path: String { name.isEmpty ? hierarchy.mountPoint : hierarchy.mountPoint + "/" + name }

    package func child(_ name: String) -> Cgroup {
        Cgroup(self.name.isEmpty ? name : self.name + "/" + name, in: hierarchy)
    }

    /// Makes the group; one that exists is as good.
    package func create() throws(CgroupError) {
        if mkdir(path, 0o755) != 0 && errno != EEXIST { throw .kernel(KernelError("mkdir", path)) }
    }

    /// Makes the group and all above it.
    package func createWithParents() throws(CgroupError) {
        var made = ""
        for part in name.split(separator: "/") {
            made += made.isEmpty ? String(part) : "/" + part
            try Cgroup(made, in: hierarchy).create()
        }
    }

    /// Lets the groups beneath use these controllers; those the hierarchy lacks are passed over. EBUSY where processes
    /// are in the group itself.
    package func delegate(_ controllers: Set<String>) throws(CgroupError) {
        let usable = controllers.intersection(hierarchy.controllers)
        if usable.isEmpty { return }
        try set("cgroup.subtree_control", usable.sorted().map { "+" + $0 }.joined(separator: " "))
    }

    /// The controllers that work in this group.
    package func controllers() throws(CgroupError) -> Set<String> {
        CgroupHierarchy.words(try text("cgroup.controllers"))
    }

    /// Removes the group and all beneath, deepest first. EBUSY while processes are in one of them.
    package func removeTree() throws(CgroupError) {
        do throws(KernelError) { try CgroupTree.remove(FilePath(path)) } catch { throw .kernel(error) }
    }

    /// The directories of the groups directly beneath, whose names a container may have made of any bytes.
    package func children() -> [FilePath] {
        let group = FilePath(path)
        guard let directory = opendir(group.cString) else { return [] }
        defer { closedir(directory) }
        var found: [FilePath] = []
        while let entry = readdir(directory) {
            guard entry.pointee.d_type == UInt8(DT_DIR) else { continue }
            let name = FilePath(of: entry)
            if !name.isDots { found.append(group / name) }
        }
        return found
    }

    /// Kills every process in the group and beneath.
    package func kill() throws(CgroupError) { try set("cgroup.kill", "1") }

    /// Stops or goes on with every process; the state is reached some moments later (`isFrozen`).
    package func setFrozen(_ frozen: Bool) throws(CgroupError) { try set("cgroup.freeze", frozen ? "1" : "0") }

    package func isFrozen() throws(CgroupError) -> Bool { try counters("cgroup.events")["frozen"] == 1 }

    /// Whether any process lives in the group or beneath.
    package func isPopulated() throws(CgroupError) -> Bool { try counters("cgroup.events")["populated"] == 1 }

    /// The processes of the group itself.
    package func processes() throws(CgroupError) -> [Int32] {
        try text("cgroup.procs").split(separator: "\n").compactMap { Int32($0) }
    }

    /// The processes of the group and all beneath. Groups that go meanwhile have none.
    package func allProcesses() -> [Int32] { (try? CgroupTree.processes(beneath: FilePath(path))) ?? [] }

    /// A flat file of names and numbers, such as `cpu.stat` (microseconds) or `memory.events`.
    package func counters(_ file: String) throws(CgroupError) -> [String: UInt64] {
        Cgroup.counters(in: try text(file))
    }

    /// The names and numbers of such a file's text.
    package static func counters(in text: String) -> [String: UInt64] {
        var values: [String: UInt64] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            if parts.count == 2, let value = UInt64(parts[1]) { values[String(parts[0])] = value }
        }
        return values
    }

    /// A file of one number, such as `memory.current`; nil where its controller is missing.
    package func number(_ file: String) -> UInt64? {
        guard let text = try? text(file) else { return nil }
        return UInt64(text.split { $0.isWhitespace }.first ?? "")
    }

    package func text(_ file: String) throws(CgroupError) -> String {
        do throws(KernelError) { return try readText(path + "/" + file) } catch { throw .kernel(error) }
    }

    package func set(_ file: String, _ value: String) throws(CgroupError) {
        do throws(KernelError) { try writeText(value, to: path + "/" + file) } catch { throw .kernel(error) }
    }
}
