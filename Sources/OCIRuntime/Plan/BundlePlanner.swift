import CLaunch
import Glibc
import Launch
import OCISpecification

/// From a bundle's specification to the plan of the launch path: a pure function. What cannot be held is an error that names the field.
package struct BundlePlanner {
    let specification: RuntimeSpecification
    /// Absolute.
    let bundle: String
    let container: String
    let facts: HostFacts

    package init(_ specification: RuntimeSpecification, bundle: String, container: String, facts: HostFacts) {
        self.specification = specification
        self.bundle = bundle
        self.container = container
        self.facts = facts
    }

    /// The program comes from the process, the rest from the specification; `seccomp` is compiled beforehand.
    package func plan(
        _ process: ProcessSpecification, seccomp: CompiledSeccomp?
    ) throws(OCIRuntimeError) -> BundlePlan {
        let linux = specification.linux
        let planner = ProcessPlanner(
            facts: facts, version: specification.version, personality: linux.personality,
            memoryPolicy: linux.memoryPolicy, userMappings: facts.isRootOfBundle ? [] : linux.userMappings)
        var plan = BundlePlan(
            process: try planner.plan(process, seccomp: seccomp), root: absolute(specification.rootPath))
        plan.rootIsReadOnly = specification.rootIsReadOnly
        plan.rootPropagation = BundlePlanner.propagation(linux.rootPropagation)
        plan.namespaces = linux.namespaces.compactMap { one in
            NamespaceKind(name: one.type).map { BundlePlan.Namespace(kind: $0, path: one.path) }
        }
        if facts.isRootOfBundle { plan.namespaces.removeAll { $0.kind == .user } }
        plan.userMap = BundlePlanner.lines(linux.userMappings)
        plan.groupMap = BundlePlanner.lines(linux.groupMappings)
        plan.isUnprivileged = hasOwnUsers
        plan.timeOffsets = try timeOffsets()
        plan.mounts = try mounts()
        if let socket = facts.notifySocket {
            var mount = BundleMount(.bind(socket, recursive: false), at: socket)
            mount.field = "NOTIFY_SOCKET"
            plan.mounts.append(mount)
        }
        try addDevices(to: &plan)
        // Root of the host alone may attach a program. Others can make no node, and what they bind in they may open outside as well.
        if facts.canMakeNodes { plan.deviceRules = DeviceDecision.rules(linux.resources?.devices ?? []) }
        if facts.hasSELinux { plan.mountLabel = linux.mountLabel }
        plan.maskedPaths = linux.maskedPaths
        plan.readOnlyPaths = linux.readOnlyPaths
        plan.kernelParameters = try KernelParameters.checked(linux)
        let hooks = specification.hooks
        plan.awaitsHooks = !(hooks.prestart + hooks.createRuntime + hooks.createContainer).isEmpty
        plan.startHooks = hooks.startContainer.map {
            LaunchHook(
                .startContainer, path: $0.path, arguments: $0.arguments, environment: $0.environment,
                timeout: $0.timeout)
        }
        try checkNames(&plan)
        try checkUserNamespace()
        if !linux.networkDevices.isEmpty && linux.namespace("network") == nil {
            throw .unsupported(field: "linux.netDevices", cause: "it needs a network namespace in linux.namespaces")
        }
        if linux.hasIntelRDT {
            throw .unsupported(field: "linux.intelRdt", cause: "resource control of the cache is not supported")
        }
        return plan
    }

    private func checkNames(_ plan: inout BundlePlan) throws(OCIRuntimeError) {
        for (field, name) in [("hostname", specification.hostname), ("domainname", specification.domainName)] {
            guard let name, !name.isEmpty else { continue }
            guard specification.linux.namespace("uts") != nil else {
                throw .unsupported(field: field, cause: "it needs a uts namespace in linux.namespaces")
            }
            guard name.utf8.count <= 64 else {
                throw .unsupported(field: field, cause: "it must have at most 64 bytes")
            }
        }
        plan.hostname = specification.hostname.flatMap { $0.isEmpty ? nil : $0 }
        plan.domainName = specification.domainName.flatMap { $0.isEmpty ? nil : $0 }
    }

    private func checkUserNamespace() throws(OCIRuntimeError) {
        let linux = specification.linux
        if linux.isNew("user") && (linux.userMappings.isEmpty || linux.groupMappings.isEmpty) {
            throw .unsupported(
                field: "linux.uidMappings", cause: "a new user namespace needs uidMappings and gidMappings")
        }
        if linux.namespace("user") == nil && !(linux.userMappings + linux.groupMappings).isEmpty {
            throw .unsupported(field: "linux.uidMappings", cause: "they need a user namespace in linux.namespaces")
        }
    }

    private func timeOffsets() throws(OCIRuntimeError) -> String? {
        let offsets = specification.linux.timeOffsets
        if offsets.isEmpty { return nil }
        guard specification.linux.isNew("time") else {
            throw .unsupported(field: "linux.timeOffsets", cause: "they need a new time namespace in linux.namespaces")
        }
        return offsets.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.seconds) \($0.value.nanoseconds)\n" }
            .joined()
    }

    func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : bundle + "/" + path }

    static func lines(_ mappings: [IDMapping]) -> String {
        mappings.reduce(into: "") { text, mapping in
            text += "\(mapping.container) \(mapping.host) \(mapping.size)\n"
        }
    }

    /// MS_* with MS_REC.
    static func propagation(_ name: String?) -> UInt32 {
        guard let name, !name.isEmpty else { return 0 }
        let isRecursive = name.hasPrefix("r")
        let kinds = [
            "shared": MS_SHARED, "slave": MS_SLAVE, "private": MS_PRIVATE, "unbindable": MS_UNBINDABLE,
        ]
        let kind = kinds[isRecursive ? String(name.dropFirst()) : name] ?? MS_PRIVATE
        return UInt32(kind) | (isRecursive ? UInt32(MS_REC) : 0)
    }
}
