import CRI
import JSONTree
import Linux
import OCI
import Testing

@testable import ContainerRuntime

@Suite struct PlanTests {
    private let host = HostFeatures(
        controllers: ["cpu", "memory", "pids"], capabilities: ~0,
        devices: [
            HostDevice(path: "/dev/kvm", isBlock: false, major: 10, minor: 232, mode: 0o660, userID: 0, groupID: 0)
        ])

    private func input(_ change: (inout ContainerPlanInput) -> Void = { _ in }) throws -> ContainerPlanInput {
        var config = ContainerConfig(metadata: ContainerMetadata(name: "main"), image: "test")
        config.logPath = "main/0.log"
        var pod = PodSandboxConfig(metadata: PodSandboxMetadata(name: "web", uid: "u", namespace: "default"))
        pod.logDirectory = "/var/log/pods/web"
        var image = ImageConfiguration()
        image.entrypoint = ["/entry"]
        image.command = ["default"]
        image.environment = ["PATH=/opt/bin", "MODE=image"]
        image.workingDirectory = "/srv"
        let database = UserDatabase(passwd: Array("root:x:0:0::/root:/bin/sh\n".utf8), group: [])
        var input = ContainerPlanInput(
            id: String(repeating: "c", count: 64), layer: String(repeating: "c", count: 64), config: config,
            sandbox: SandboxRecord(
                id: String(repeating: "5", count: 64), config: pod, hostname: "web", bootID: "b", createdAt: 1,
                cgroup: "/cg/pods/u"),
            image: image, imageLayers: ["/images/x"],
            identity: try ProcessIdentity(ContainerSecurity(), imageUser: "", database: database), host: host,
            paths: RuntimePaths(data: "/data", state: "/state", cgroupRoot: "/cg"))
        change(&input)
        return input
    }

    @Test func commandAndArgumentsReplaceTheImages() throws {
        func arguments(_ command: [String], _ arguments: [String]) throws -> [String] {
            try ContainerPlan(
                input {
                    $0.config.command = command
                    $0.config.arguments = arguments
                }
            ).launch.plan.process.arguments
        }
        #expect(try arguments([], []) == ["/entry", "default"])
        #expect(try arguments([], ["a"]) == ["/entry", "a"])
        #expect(try arguments(["/c"], []) == ["/c"])
        #expect(try arguments(["/c"], ["a"]) == ["/c", "a"])
        #expect(throws: CRIError.self) { try ContainerPlan(input { $0.image = ImageConfiguration() }) }
    }

    @Test func aContainerJoinsAnothersProcessesWhereThePodSharesNone() throws {
        let own = try ContainerPlan(input()).launch
        #expect(own.plan.processNamespace == .own && own.processTarget == nil)
        let joined = try ContainerPlan(input { $0.config.processTarget = "t" }).launch
        #expect(joined.plan.processNamespace == .pod && joined.processTarget == "t")
    }

    @Test func noVariableIsCutAtANULByte() throws {
        let fault = #expect(throws: CRIError.self) {
            try ContainerPlan(input { $0.config.environment = [.init("CUT", "a\0b")] })
        }
        #expect(fault.map { "\($0)" }?.contains("environment variable CUT holds a NUL byte") == true)
        // An image's is left out, for the image to run.
        let plan = try ContainerPlan(input { $0.image.environment = ["MODE=a\0b"] })
        #expect(!plan.launch.plan.process.environment.contains { $0.hasPrefix("MODE") })
    }

    @Test func laterVariablesWinWhereTheEarlierStood() throws {
        let plan = try ContainerPlan(
            input { $0.config.environment = [.init("MODE", "pod"), .init("EMPTY", ""), .init("MODE", "last")] })
        #expect(
            plan.launch.plan.process.environment == [
                "PATH=/opt/bin", "HOSTNAME=web", "MODE=last", "EMPTY=", "HOME=/root",
            ])
    }

    @Test func whatAPodsOwnUsersSeeIsMapped() throws {
        let users = PodUsers(users: .init(first: 65_536, count: 65_536), groups: .init(first: 65_536, count: 65_536))
        let plan = try ContainerPlan(
            input { input in
                input.sandbox.users = users
                var mapped = CRI.Mount(hostPath: "/v", containerPath: "/v")
                mapped.users = users
                var image = mapped
                image.containerPath = "/i"
                image.image = "files:1"
                input.config.mounts = [mapped, image, .init(hostPath: "/w", containerPath: "/w")]
            }
        ).launch.plan
        let mapped = plan.mounts.filter { $0.flags.contains(.mapped) }.map(\.target)
        #expect(Set(mapped) == ["/dev/shm", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/v"])
        #expect(plan.process.streamOwner == 65_536)
        #expect(try ContainerPlan(input()).launch.plan.process.streamOwner == nil)
    }

    @Test func thePodsFilesGiveWayToItsMounts() throws {
        let plan = try ContainerPlan(
            input { input in
                input.config.mounts = [
                    .init(hostPath: "/v/deep", containerPath: "/data/deep", isReadOnly: true),
                    .init(hostPath: "/v", containerPath: "/data/", propagation: .hostToContainer),
                    .init(hostPath: "/kubelet/hosts", containerPath: "/etc/hosts"),
                ]
            })
        let targets = plan.launch.plan.mounts.map(\.target)
        #expect(targets.filter { $0 == "/etc/hosts" }.count == 1)
        let parent = try #require(targets.firstIndex(of: "/data"))
        let child = try #require(targets.firstIndex(of: "/data/deep"))
        #expect(parent < child)
        #expect(plan.launch.plan.mounts[child].flags.contains(.readOnly))
        #expect(plan.launch.plan.mounts[parent].propagation == .fromHost)
        let memory = try #require(plan.launch.plan.mounts.first { $0.target == "/dev/shm" })
        guard case .path(let source) = memory.source else {
            Issue.record("shared memory is not the pod's")
            return
        }
        #expect(source == "/state/sandboxes/" + String(repeating: "5", count: 20) + "/shm/shm")
    }

    @Test func thePodsFilesLieOverAVolumeAtTheirDirectory() throws {
        let plan = try ContainerPlan(
            input { $0.config.mounts = [CRI.Mount(hostPath: "/v", containerPath: "/etc")] }
        ).launch.plan
        let targets = plan.mounts.map(\.target)
        let volume = try #require(targets.firstIndex(of: "/etc"))
        #expect(try #require(targets.firstIndex(of: "/etc/resolv.conf")) > volume)
        let devices = try #require(targets.firstIndex(of: "/dev"))
        #expect(try #require(targets.firstIndex(of: "/dev/shm")) > devices)
    }

    @Test func privilegeLiftsEveryRestraint() throws {
        let ordinary = try ContainerPlan(input()).launch.plan
        #expect(ordinary.process.capabilities == .containerDefault && !ordinary.maskedPaths.isEmpty)
        #expect(ordinary.deviceRules != nil && ordinary.devices.isEmpty)
        let whole = try ContainerPlan(input { $0.config.security.isPrivileged = true })
        let privileged = whole.launch.plan
        #expect(privileged.process.capabilities.bounding == ~0 && whole.exec.seccomp == .unconfined)
        #expect(privileged.maskedPaths.isEmpty && privileged.deviceRules == nil && privileged.devices.count == 1)
        #expect(!privileged.mounts.contains { $0.target == "/sys" && $0.flags.contains(.readOnly) })
    }

    @Test func aLoadedProfileConfinesTheContainerAndItsSessions() throws {
        func plan(_ asked: ContainerSecurity.AppArmor?, _ means: AppArmorMeans?) throws -> ContainerPlan {
            try ContainerPlan(
                input {
                    $0.config.security.appArmor = asked
                    $0.appArmor = means
                })
        }
        let means = AppArmorMeans(kernel: AppArmor(profiles: ["mine"]), obstacle: "no parser")
        let confined = try plan(.localhost("mine"), means)
        #expect(confined.launch.plan.process.traits.label?.text == "exec mine")
        #expect(confined.exec.process(["sh"], seccomp: nil, terminal: nil).traits.label == AppArmor.label("mine"))
        for (asked, means) in [
            (nil, means), (nil, nil), (.unconfined, means), (.runtimeDefault, means), (.runtimeDefault, nil),
        ] as [(ContainerSecurity.AppArmor?, AppArmorMeans?)] {
            let plan = try plan(asked, means)
            #expect(plan.launch.plan.process.traits.label == nil)
            #expect(plan.warnings.contains { $0.contains("no parser") } == (asked == .runtimeDefault && means != nil))
        }
        #expect(throws: CRIError.self) { try plan(.localhost("other"), means) }
        #expect(throws: CRIError.self) { try plan(.localhost("mine"), nil) }
        // What the list does not say, the kernel will.
        let unlisted = AppArmorMeans(kernel: AppArmor(profiles: nil))
        #expect(try plan(.localhost("other"), unlisted).exec.appArmor == "other")
    }

    @Test func theRuntimesOwnProfileIsForThoseThatAskForNoOther() throws {
        func profile(_ asked: ContainerSecurity.AppArmor?, isPrivileged: Bool = false) throws -> String? {
            let plan = try ContainerPlan(
                input {
                    $0.config.security.appArmor = asked
                    $0.config.security.isPrivileged = isPrivileged
                    $0.appArmor = AppArmorMeans(kernel: AppArmor(profiles: ["own", "mine"]), own: "own")
                })
            #expect(plan.exec.appArmor.map(AppArmor.label) == plan.launch.plan.process.traits.label)
            #expect(!plan.warnings.contains { $0.contains("AppArmor") })
            return plan.exec.appArmor
        }
        #expect(try profile(nil) == "own" && profile(.runtimeDefault) == "own")
        #expect(try profile(.unconfined) == nil && profile(.localhost("mine")) == "mine")
        #expect(try profile(nil, isPrivileged: true) == nil && profile(.runtimeDefault, isPrivileged: true) == nil)
        #expect(try profile(.localhost("mine"), isPrivileged: true) == "mine")
    }

    @Test func labelsAreWhatIsAskedForAndElseTheNodes() throws {
        let node = SELinuxContexts(
            """
            # of the policy
            process = "u:r:container:s0"
            file = "u:object_r:files:s0"
            """)
        typealias Options = CRI.SELinuxOptions
        func plan(
            _ own: Options?, sandbox: Options? = nil, _ contexts: SELinuxContexts?, isPrivileged: Bool = false
        ) throws -> ContainerPlan {
            try ContainerPlan(
                input {
                    $0.config.security.selinux = own
                    $0.config.security.isPrivileged = isPrivileged
                    $0.sandbox.selinux = sandbox
                    $0.selinux = contexts
                })
        }
        func labels(_ plan: ContainerPlan) -> [String?] {
            [plan.launch.plan.process.traits.label?.text, plan.launch.plan.mountLabel]
        }
        let pair = Options(type: "web", level: "s0:c1,c2")
        #expect(try labels(plan(nil, node)) == [nil, nil])
        #expect(try labels(plan(pair, nil)) == [nil, nil])
        #expect(try labels(plan(pair, node, isPrivileged: true)) == [nil, nil])
        #expect(try labels(plan(pair, node)) == ["u:r:web:s0:c1,c2", "u:object_r:files:s0:c1,c2"])
        #expect(try labels(plan(nil, sandbox: pair, node)) == ["u:r:web:s0:c1,c2", "u:object_r:files:s0:c1,c2"])
        // The container's own, at the level of its pod.
        let other = Options(user: "v", type: "db")
        #expect(try labels(plan(other, sandbox: pair, node)) == ["v:r:db:s0:c1,c2", "v:object_r:files:s0:c1,c2"])
        #expect(try labels(plan(other, node)).allSatisfy { $0?.contains(":s0:c") == true })
        // A policy without labels for containers.
        let whole = try plan(Options(user: "u", role: "r", type: "t"), SELinuxContexts())
        #expect(labels(whole) == ["u:r:t", nil] && whole.warnings.contains { $0.contains("SELinux") })
        #expect(throws: CRIError.self) { try plan(other, SELinuxContexts()) }
        let session = try plan(pair, node).exec.process(["sh"], seccomp: nil, terminal: nil)
        #expect(session.traits.label == SELinux.label("u:r:web:s0:c1,c2"))
    }

    @Test func capabilitiesAreDroppedAndThenAdded() throws {
        func mask(_ drop: [String], _ add: [String]) throws -> UInt64 {
            var security = ContainerSecurity()
            security.dropCapabilities = drop
            security.addCapabilities = add
            return try CapabilityDecision(security, host: host, object: "c").mask
        }
        #expect(try mask(["ALL"], []) == 0)
        #expect(try mask(["ALL"], ["NET_BIND_SERVICE"]) == 1 << 10)
        #expect(try mask(["CAP_KILL"], []) == CapabilitySets.containerDefault.bounding & ~(1 << 5))
        #expect(try mask(["KILL"], ["ALL"]) & (1 << 5) == 0)
        #expect(throws: CRIError.self) { try mask(["NO_SUCH"], []) }
    }

    @Test func whatTheNodeCannotGiveIsTold() throws {
        let poor = HostFeatures(controllers: [], capabilities: ~(1 << 24))
        let plan = try ContainerPlan(
            input {
                $0.host = poor
                $0.config.security.addCapabilities = ["SYS_RESOURCE"]
                $0.config.resources.cpuLimit = 500
            })
        #expect(plan.warnings.count == 2 && plan.cgroup.values.isEmpty)
        #expect(plan.warnings[0].contains("SYS_RESOURCE") && plan.warnings[1].contains("CPU limit 500m"))
    }

    @Test func volumesOfTheImageAreItsOwnDirectories() throws {
        let plan = try ContainerPlan(
            input { input in
                input.image.volumes = ["/", "/data", "cache/", "/v", "/v/deep", "/w/../etc", "/proc/x", "/var/data"]
                input.config.mounts = [
                    .init(hostPath: "/v", containerPath: "/v"), .init(hostPath: "/d", containerPath: "/data/deep"),
                ]
            }
        ).launch.plan
        let own = plan.mounts.filter { if case .own = $0.source { true } else { false } }.map(\.target)
        #expect(own == ["/cache", "/data", "/var/data"])
        let targets = plan.mounts.map(\.target)
        #expect(try #require(targets.firstIndex(of: "/data")) < #require(targets.firstIndex(of: "/data/deep")))
    }

    @Test func aSourceIsMadeWhereThatIsAskedFor() throws {
        let plan = try ContainerPlan(
            input { input in
                input.config.mounts = ["/a", "/b"].map { .init(hostPath: $0, containerPath: $0) }
                input.config.mounts[0].isMadeWhereMissing = true
            }
        ).launch.plan
        #expect(plan.mounts.filter { $0.flags.contains(.makesSource) }.map(\.target) == ["/a"])
    }

    @Test func signalsByNameAndNumber() {
        #expect(SignalNames.number("SIGTERM") == 15 && SignalNames.number("quit") == 3)
        #expect(SignalNames.number("9") == 9 && SignalNames.number("SIGRTMIN+3") == 37)
        #expect(SignalNames.number("RTMAX-1") == 63 && SignalNames.number("rtmin") == 34)
        for (name, number) in ["SIGIO": 29, "POLL": 29, "IOT": 6, "CLD": 17, "SYS": 31] as [String: Int32] {
            #expect(SignalNames.number(name) == number, "\(name)")
        }
        let none = ["", "0", "65", "SIGNOPE", "RTMIN+99", "RTMIN-1", "RTMAX+1", "RTMIN3", "TERM+1", "-9"]
        for text in none { #expect(SignalNames.number(text) == nil, "\(text)") }
        for number in Array(Int32(1)...31) + Array(34...64) {
            #expect(SignalNames.number(SignalNames.name(number)) == number)
        }
        #expect(SignalNames.name(32).isEmpty && SignalNames.name(6) == "SIGABRT")
    }

    @Test func moreMountsThanCanBeMadeAreCounted() throws {
        func plan(_ count: Int, twins: Int = 0) throws -> ContainerPlan {
            try ContainerPlan(
                input {
                    $0.config.mounts = (Array(0..<count) + (0..<twins)).map {
                        CRI.Mount(hostPath: "/h", containerPath: "/m/\($0)")
                    }
                })
        }
        let standard = try plan(0).launch.plan.mounts.count
        _ = try plan(256 - standard)
        _ = try plan(256 - standard, twins: 5)
        let error = #expect(throws: CRIError.self) { try plan(257 - standard) }
        #expect(error?.description.contains("container main has 257 mounts") == true)
    }
}
