import APIMachinery
import CRI
import KubernetesAPI

extension PodExecutor {
    /// - Parameter images: the ids of those that it may use, by their names.
    func start(
        _ name: String, of pod: Pod, attempt: UInt32, images ids: [String: String], _ observation: PodObservation
    ) async throws(OperationError) {
        guard let container = pod.spec.container(named: name),
            let sandbox = observation.readySandbox
        else { return }
        try await checkUser(container, pod, image: ids[container.image ?? ""])
        var config = try await configuration(container, of: pod, attempt: attempt, sandbox)
        config.name(images: ids)
        config.processTarget = try processTarget(of: name, pod, observation)
        if attempt > 0, let last = observation.newest(name) {
            config.annotations.merge(RestartBackoff.note(after: last)) { $1 }
        }
        let users = try await users(of: pod)
        for index in config.mounts.indices where config.mounts[index].image == nil {
            config.mounts[index].users = users
        }
        let wanted = config
        let sandboxConfig = sandboxConfig(pod, attempt: sandbox.metadata.attempt, users: users)
        let id = try await criOperation("CreateContainerError") { () async throws(CRIError) in
            try await runtime.createContainer(sandbox: sandbox.id, config: wanted, sandboxConfig: sandboxConfig)
        }
        record(pod, false, "Created", "Created container: \(name)", name)
        try await criOperation("RunContainerError") { () async throws(CRIError) in
            try await runtime.startContainer(id)
        }
        record(pod, false, "Started", "Started container \(name)", name)
        if let hook = container.lifecycle?.postStart {
            try await runPostStart(hook, container, id, pod, sandbox)
        }
    }

    /// The container whose processes an ephemeral container is to see.
    private func processTarget(
        of name: String, _ pod: Pod, _ observation: PodObservation
    ) throws(OperationError) -> String? {
        let ephemeral = pod.spec.ephemeralContainers.first { $0.name == name }
        guard let target = ephemeral?.targetContainerName, !target.isEmpty else { return nil }
        guard let status = observation.current(target), status.state == .running else {
            throw OperationError("CreateContainerError", "target container \"\(target)\" is not running")
        }
        return status.id
    }

    /// Stops a container: its preStop hook and its stop signal share the grace period. A stop whose task is cancelled sends no signal and tells of nothing: the
    /// next daemon begins it anew.
    func stop(
        _ id: String, _ name: String, of pod: Pod, _ observation: PodObservation, grace: Duration
    ) async throws(OperationError) {
        var rest = grace
        if let container = pod.spec.container(named: name), let hook = container.lifecycle?.preStop, grace > .zero {
            let start = time.uptime()
            let target = ProbeTarget(container: container, id: id, pod: pod, address: address(of: pod, observation))
            let failure = await prober.run(hook, target, timeout: grace) { record(pod, true, $0, $1, nil) }
            try Self.checkCancellation("FailedKillPod")
            if let failure { record(pod, true, "FailedPreStopHook", failure, name) }
            rest = max(PodMachine.leastGrace, grace - (time.uptime() - start))
        }
        try await criOperation("FailedKillPod") { () async throws(CRIError) in
            try await runtime.stopContainer(id, timeout: rest)
        }
    }

    private func runPostStart(
        _ hook: LifecycleHandler, _ container: Container, _ id: String, _ pod: Pod, _ sandbox: PodSandboxStatus
    ) async throws(OperationError) {
        let address = sandbox.network == .node ? node.addresses.first : sandbox.addresses.first
        let target = ProbeTarget(container: container, id: id, pod: pod, address: address)
        let failure = await prober.run(hook, target, timeout: .seconds(120)) { record(pod, true, $0, $1, nil) }
        try Self.checkCancellation("PostStartHookError")
        guard let failure else { return }
        record(pod, true, "FailedPostStartHook", failure, container.name)
        try await criOperation("PostStartHookError") { () async throws(CRIError) in
            try await runtime.stopContainer(id, timeout: .seconds(max(0, pod.spec.terminationGracePeriodSeconds)))
        }
        throw OperationError("PostStartHookError", failure)
    }

    /// Of a hook that was broken off because the daemon ends nothing is known.
    private static func checkCancellation(_ reason: String) throws(OperationError) {
        if Task.isCancelled { throw OperationError(reason, "the node agent is stopping") }
    }

    func address(of pod: Pod, _ observation: PodObservation) -> String? {
        pod.spec.hostNetwork ? node.addresses.first : observation.readySandbox?.addresses.first
    }

    private func checkUser(_ container: Container, _ pod: Pod, image id: String?) async throws(OperationError) {
        var image: Image?
        if NonRootRule.needsImage(container, pod) {
            image = try await criOperation("ImageInspectError") { () async throws(CRIError) in
                try await images.imageStatus(id ?? container.image ?? "")
            }
        }
        if let fault = NonRootRule.fault(container, of: pod, image: image) {
            throw OperationError("CreateContainerConfigError", fault)
        }
    }

    private func configuration(
        _ container: Container, of pod: Pod, attempt: UInt32, _ sandbox: PodSandboxStatus
    ) async throws(OperationError) -> ContainerConfig {
        let data = try await referencedData(container, of: pod)
        let addresses = sandbox.network == .node ? node.addresses : sandbox.addresses
        let program: ContainerProgram
        var mounts: [Mount]
        do throws(ContainerConfigError) {
            let services = settings.serviceVariables + (try links.variables(for: pod))
            program = try ContainerEnvironment(
                pod: pod, container: container, node: node, data: data, podAddresses: addresses, services: services,
                allocatable: settings.allocatable
            ).program()
            mounts = try volumes.mounts(of: container, pod, environment: program.values)
        } catch {
            throw OperationError("CreateContainerConfigError", error.message)
        }
        mounts = try await checkRecursion(mounts, of: container)
        if !runtime.resolvesSubPaths { mounts = try await volumes.bound(mounts, of: container.name, pod) }
        let files = try await volumes.prepareContainer(
            container, pod, attempt: attempt, addresses: addresses, hostNames: hostNames(of: pod))
        var config = ContainerConfig(
            container, of: pod, attempt: attempt, program, mounts: mounts + files.mounts,
            terminationFile: files.terminationFile)
        if case .localhost(let profile) = config.security.seccomp {
            config.security.seccomp = .localhost(path: "\(settings.seccompProfiles)/\(profile)")
        }
        config.resources.oomScoreAdjustment = config.resources.oomScore(
            pod.spec.serviceClass, nodeMemory: settings.nodeMemory, share: pod.spec.memoryShare)
        return config
    }

    /// The mounts as the runtime can make them, where some are to be read-only with all that is mounted beneath.
    private func checkRecursion(_ mounts: [Mount], of container: Container) async throws(OperationError) -> [Mount] {
        guard mounts.contains(where: \.isRecursivelyReadOnly) else { return mounts }
        let status = try await criOperation("CreateContainerError") { () async throws(CRIError) in
            try await runtime.status()
        }
        guard !status.mountsRecursivelyReadOnly else { return mounts }
        if let mount = container.volumeMounts.first(where: { $0.recursiveReadOnly == "Enabled" }) {
            throw OperationError(
                "CreateContainerConfigError",
                "volume mount \"\(mount.name)\" asks for recursiveReadOnly: Enabled, which the runtime does not support; use IfPossible"
            )
        }
        return mounts.map { mount in
            var mount = mount
            mount.isRecursivelyReadOnly = false
            return mount
        }
    }

    /// Fetches the ConfigMaps and Secrets that the container's environment names.
    private func referencedData(
        _ container: Container, of pod: Pod
    ) async throws(OperationError) -> ReferencedData {
        let namespace = pod.metadata.namespace
        var data = ReferencedData()
        do throws(ContainerConfigError) {
            data.files = try await volumes.environmentFiles(container.environmentFileKeys, pod)
        } catch {
            throw OperationError("CreateContainerConfigError", error.message)
        }
        for object in container.environmentObjects(in: namespace) {
            switch object.kind {
            case .configMap:
                data.configMaps[object.name] = try await objects.configMap(object.name, in: namespace)?.data
            case .secret:
                if let secret = try await objects.secret(object.name, in: namespace) { data.add(secret) }
            }
        }
        return data
    }
}

extension ContainerConfig {
    /// Says which images are meant: those that were looked at, whatever their names mean by now.
    fileprivate mutating func name(images ids: [String: String]) {
        imageID = ids[image]
        for index in mounts.indices { mounts[index].imageID = mounts[index].image.flatMap { ids[$0] } }
    }
}

extension PodSettings {
    /// How a container finds the API server without asking DNS.
    var serviceVariables: [EnvironmentVariable] {
        guard let apiService else { return [] }
        let port = String(apiService.port)
        return [
            EnvironmentVariable("KUBERNETES_SERVICE_HOST", apiService.host),
            EnvironmentVariable("KUBERNETES_SERVICE_PORT", port),
            EnvironmentVariable("KUBERNETES_SERVICE_PORT_HTTPS", port),
            EnvironmentVariable("KUBERNETES_PORT", "tcp://\(apiService.host):\(port)"),
            EnvironmentVariable("KUBERNETES_PORT_443_TCP", "tcp://\(apiService.host):\(port)"),
            EnvironmentVariable("KUBERNETES_PORT_443_TCP_PROTO", "tcp"),
            EnvironmentVariable("KUBERNETES_PORT_443_TCP_ADDR", apiService.host),
            EnvironmentVariable("KUBERNETES_PORT_443_TCP_PORT", port),
        ]
    }
}
