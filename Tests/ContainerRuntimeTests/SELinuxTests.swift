import CRI
import Glibc
import Linux
import TestSupport
import Testing

@testable import ContainerRuntime

@Suite struct SELinuxTests {
    private let policy = SELinuxContexts("process = \"u:r:web:s0\"\nfile = \"u:object_r:files:s0\"")

    private func decision(
        _ contexts: SELinuxContexts, level: String = "", sandbox id: String = "5", own: String? = nil
    ) throws -> SELinuxDecision {
        var config = PodSandboxConfig(metadata: PodSandboxMetadata(name: "web", uid: "u", namespace: "default"))
        config.selinux = SELinuxOptions(type: "db", level: level)
        var security = ContainerSecurity()
        if let own { security.selinux = SELinuxOptions(type: "other", level: own) }
        let sandbox = SandboxRecord(
            id: id, config: config, hostname: "web", bootID: "b", createdAt: 1, cgroup: "/cg/pods/u")
        return try SELinuxDecision(security, sandbox: sandbox, contexts: contexts, object: "c")
    }

    /// The same for all its containers and after a restart of the daemon, which knows of it what its record says.
    @Test func aPodWithoutALevelHasTwoCategoriesOfItsOwn() throws {
        var seen: Set<String> = []
        for number in 0..<200 {
            let found = try decision(policy, sandbox: "pod-\(number)")
            let level = try #require(found.process?.split(separator: ":", maxSplits: 3).last)
            #expect(found.files == "u:object_r:files:\(level)" && level.hasPrefix("s0:c"))
            #expect(try decision(policy, sandbox: "pod-\(number)", own: "").process == "u:r:other:\(level)")
            let categories = level.dropFirst("s0:c".count).split(separator: ",c").compactMap { Int($0) }
            #expect(categories.count == 2 && categories[0] < categories[1] && categories[1] < 1_024)
            seen.insert(String(level))
        }
        #expect(seen.count > 190)
        #expect(try decision(policy, sandbox: "0").process == "u:r:db:s0:c175,c570")
    }

    @Test func aLevelThatSomebodyNamesIsTaken() throws {
        #expect(try decision(policy, level: "s0:c7").process == "u:r:db:s0:c7")
        #expect(try decision(policy, level: "s0").process == "u:r:db:s0")
        #expect(try decision(policy, level: "s0:c7", own: "").process == "u:r:other:s0:c7")
        #expect(try decision(policy, level: "s0:c7", own: "s0:c8").process == "u:r:other:s0:c8")
        let plain = SELinuxContexts("process = \"u:r:web\"\nfile = \"u:object_r:files\"")
        #expect(try decision(plain).process == "u:r:db" && decision(plain).files == "u:object_r:files")
        let narrow = SELinuxContexts("process = \"u:r:web:s0:c5\"\nfile = \"u:object_r:files:s0\"")
        #expect(try decision(narrow).process == "u:r:db:s0:c5" && decision(narrow).files == "u:object_r:files:s0:c5")
    }

    /// They become part of what mount(2) takes.
    @Test func whatIsNoPartOfALabelIsRefused() throws {
        for level in ["s0", "s0-s1", "s0:c1", "s0:c1.c5", "s0-s0:c0.c1023,c5,c1022.c1023"] {
            #expect(try decision(policy, level: level).process == "u:r:db:" + level)
        }
        for level in [
            #"s0",workdir=/y,x=""#, "s0,workdir=/y", "s0:c1\n", "s0:c12345", "s", "s0:", "s0:c1,", "c1", " s0", "s٣",
            "s0:c1.c",
        ] {
            let error = #expect(throws: CRIError.self) { try decision(policy, level: level) }
            #expect(error?.description.contains("SELinux level") == true)
            #expect(throws: CRIError.self) { try decision(policy, own: level) }
        }
        let sandbox = SandboxRecord(
            id: "5", config: podConfig, hostname: "web", bootID: "b", createdAt: 1, cgroup: "/cg")
        for bad in [#"a""#, "a,b", "a:b", "a b", "a\n", "ä", "/"] {
            for options in [
                SELinuxOptions(user: bad), SELinuxOptions(role: bad), SELinuxOptions(type: bad),
            ] {
                var security = ContainerSecurity()
                security.selinux = options
                #expect(throws: CRIError.self) {
                    try SELinuxDecision(security, sandbox: sandbox, contexts: policy, object: "c")
                }
            }
        }
    }

    /// A container with two paths of the host, of which one is to be labelled, and is missing.
    private func labels(_ node: FakeNode) async throws -> (sandbox: String, labels: [String: String]) {
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        _ = try await runtime.createContainer(sandbox: sandbox, config: config(node), sandboxConfig: podConfig)
        return (sandbox, node.kernel.state.withLock { $0.labels })
    }

    private func config(_ node: FakeNode) -> ContainerConfig {
        var given = CRI.Mount(hostPath: node.directory + "/given/deep", containerPath: "/given")
        (given.isRelabelled, given.isMadeWhereMissing) = (true, true)
        var config = containerConfig()
        config.security.selinux = SELinuxOptions(level: "s0:c1,c2")
        config.mounts = [given, CRI.Mount(hostPath: node.directory + "/rootfs", containerPath: "/kept")]
        return config
    }

    /// What is to be labelled is taken as a mount, which is root's to make.
    @Test(.enabled(if: geteuid() == 0)) func whatAContainerIsGivenGetsItsLabel() async throws {
        let node = try FakeNode()
        node.kernel.state.withLock { $0.selinux = policy }
        let (sandbox, found) = try await labels(node)
        let record = SandboxRecord(
            id: sandbox, config: podConfig, hostname: "web", bootID: "b", createdAt: 1, cgroup: "/cg")
        let files = PodFiles.names.map { node.paths.podFiles(of: record) + "/" + $0 }
        let wanted = files + [node.directory + "/given/deep", node.paths.deviceMemory(of: record)]
        #expect(found == Dictionary(uniqueKeysWithValues: wanted.map { ($0, "u:object_r:files:s0:c1,c2") }))
        var status = stat()
        #expect(stat(node.directory + "/given/deep", &status) == 0 && status.st_mode & 0o777 == 0o755)
    }

    @Test(.enabled(if: geteuid() == 0)) func whatIsLabelledIsMountedWhateverComesToItsPlace() async throws {
        let node = try FakeNode()
        node.kernel.state.withLock { $0.selinux = policy }
        node.kernel.labelling.withLock { hook in
            hook = { path, _ throws(KernelError) in
                guard rename(path, path + "-labelled") == 0, mkdir(path, 0o755) == 0 else {
                    throw KernelError("swap", path)
                }
            }
        }
        _ = try await labels(node)
        let launches = node.monitors.all.flatMap { $0.state.withLock { $0.launches.values.map(\.plan) } }
        let mount = try #require(launches.flatMap(\.mounts).first { $0.target == "/given" })
        guard case .tree(let tree) = mount.source else { return #expect(Bool(false), "mounted from \(mount.source)") }
        var (mounted, labelled) = (stat(), stat())
        #expect(try tree.withRaw { fstat($0, &mounted) } == 0)
        #expect(stat(node.directory + "/given/deep-labelled", &labelled) == 0 && mounted.st_ino == labelled.st_ino)
    }

    @Test(.enabled(if: geteuid() == 0)) func whatSeveralContainersUseHasNoCategories() async throws {
        let node = try FakeNode()
        node.kernel.state.withLock { $0.selinux = policy }
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        var config = config(node)
        config.mounts[0].sharesLabel = true
        _ = try await runtime.createContainer(sandbox: sandbox, config: config, sandboxConfig: podConfig)
        let labels = node.kernel.state.withLock { $0.labels }
        #expect(labels[node.directory + "/given/deep"] == "u:object_r:files:s0")
    }

    @Test(.enabled(if: geteuid() == 0)) func aMountThatIsNotThereIsTold() async throws {
        let node = try FakeNode()
        node.kernel.state.withLock { $0.selinux = policy }
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        var config = config(node)
        config.mounts[0].isMadeWhereMissing = false
        let error = await #expect(throws: CRIError.self) {
            _ = try await runtime.createContainer(sandbox: sandbox, config: config, sandboxConfig: podConfig)
        }
        #expect(error?.description.contains("mount source \(node.directory)/given/deep does not exist") == true)
    }

    /// Who asked goes away, or the pod or the daemon is stopped.
    @Test(.enabled(if: geteuid() == 0), arguments: ["leave", "stop", "remove", "close"])
    func aLabellingThatTakesLongIsGivenUp(_ how: String) async throws {
        let node = try FakeNode()
        node.kernel.state.withLock { $0.selinux = policy }
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        node.kernel.labelling.withLock { hook in
            hook = { path, isGivenUp throws(KernelError) in
                begin.finish()
                while !isGivenUp() { sched_yield() }
                throw KernelError("label", path, ECANCELED)
            }
        }
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        let creation = Task { [config = config(node)] in
            try await runtime.createContainer(sandbox: sandbox, config: config, sandboxConfig: podConfig)
        }
        for await _ in begun {}
        switch how {
        case "leave": creation.cancel()
        case "stop", "remove":
            let stop = Task {
                try await how == "stop" ? runtime.stopPodSandbox(sandbox) : runtime.removePodSandbox(sandbox)
            }
            let pace = Task {
                for exponent in 0... { try await node.time.fire(.milliseconds(min(10 << min(exponent, 7), 1_000))) }
            }
            try await stop.value
            pace.cancel()
        default: await runtime.close()
        }
        let error = await #expect(throws: CRIError.self) { try await creation.value }
        #expect(error?.description.contains("deep is not labelled to its end") == true)
        #expect(node.layers.isEmpty)
    }

    /// Who is told to label all pods gives those that ask for nothing what the policy has for containers, with categories of their own.
    @Test func podsThatAskForNoneAreLabelledWhereThatIsWanted() async throws {
        for isWanted in [false, true] {
            let node = try FakeNode()
            node.kernel.state.withLock { $0.selinux = policy }
            let runtime = try await node.open(labelsEveryPod: isWanted)
            let sandbox = try await runtime.runPodSandbox(podConfig)
            var config = containerConfig()
            _ = try await runtime.createContainer(sandbox: sandbox, config: config, sandboxConfig: podConfig)
            config = containerConfig("free")
            config.security.isPrivileged = true
            _ = try await runtime.createContainer(sandbox: sandbox, config: config, sandboxConfig: podConfig)
            config = containerConfig("unlabelled")
            config.security.isUnlabelled = true
            _ = try await runtime.createContainer(sandbox: sandbox, config: config, sandboxConfig: podConfig)
            let plans = node.monitors.all.flatMap { $0.state.withLock { $0.launches.values.map(\.plan) } }
            let labels = plans.compactMap { $0.process.traits.label?.text }
            #expect(labels.count == (isWanted ? 1 : 0), "the privileged one has none, nor the one that wants none")
            #expect(labels.allSatisfy { $0.hasPrefix("u:r:web:s0:c") && $0.contains(",c") })
            #expect(plans.compactMap(\.mountLabel).count == labels.count)
        }
    }

    /// As with docker, podman and CRI-O: what is asked for counts there too.
    @Test func whatSharesTheNodesProcessesOrQueuesIsLabelledWhereItAsksAlone() async throws {
        let node = try FakeNode()
        node.kernel.state.withLock { $0.selinux = policy }
        let runtime = try await node.open(labelsEveryPod: true)
        func label(_ number: UInt32, _ change: (inout PodSandboxConfig, inout ContainerConfig) -> Void) async throws
            -> String?
        {
            let metadata = PodSandboxMetadata(name: "web", uid: "u", namespace: "default", attempt: number)
            var (pod, config) = (PodSandboxConfig(metadata: metadata), containerConfig())
            change(&pod, &config)
            let sandbox = try await runtime.runPodSandbox(pod)
            let id = try await runtime.createContainer(sandbox: sandbox, config: config, sandboxConfig: pod)
            let plan = node.monitors.all.compactMap { $0.state.withLock { $0.launches[id]?.plan } }.first
            #expect((plan?.mountLabel == nil) == (plan?.process.traits.label == nil))
            return plan?.process.traits.label?.text
        }
        #expect(try await label(0) { (_, _) in } != nil)
        #expect(try await label(1) { (pod, _) in pod.pid = .node } == nil)
        #expect(try await label(2) { (pod, _) in pod.ipc = .node } == nil)
        #expect(try await label(3) { (_, container) in container.processNamespace = .node } == nil)
        #expect(try await label(4) { (pod, _) in pod.network = .node } != nil)
        let asked = try await label(5) { (pod, _) in (pod.pid, pod.selinux) = (.node, SELinuxOptions(type: "db")) }
        #expect(asked?.hasPrefix("u:r:db:s0:c") == true)
    }

    @Test func whatStandsInTheWayOfLabelsForAllIsSaidAtOnce() async throws {
        func words(_ contexts: SELinuxContexts?, _ isWanted: Bool = true) async throws -> [String] {
            let node = try FakeNode()
            node.kernel.state.withLock { $0.selinux = contexts }
            let log = KeptWords()
            await (try node.open(log, labelsEveryPod: isWanted)).close()
            return log.words.value.withLock { $0 }.filter { $0.contains("SELinux") || $0.contains("selinux") }
        }
        #expect(try await words(policy).isEmpty)
        #expect(try await words(nil, false).isEmpty)
        #expect(try await words(nil) == ["enable-selinux has no effect: this kernel runs without SELinux"])
        #expect(try await words(SELinuxContexts()) == [SELinuxDecision.noStandardLabel])
        let sandbox = SandboxRecord(
            id: "5", config: podConfig, hostname: "web", bootID: "b", createdAt: 1, cgroup: "/cg")
        let error = #expect(throws: CRIError.self) {
            try SELinuxDecision(
                ContainerSecurity(), sandbox: sandbox, standard: .unspecified, contexts: SELinuxContexts(), object: "c")
        }
        #expect(error?.description.contains("enable-selinux") == true)
    }

    @Test func withoutSELinuxNothingIsLabelled() async throws {
        let node = try FakeNode()
        #expect(try await labels(node).labels.isEmpty)
        #expect(access(node.directory + "/given", F_OK) != 0)
    }
}
