import CRI
import Protobuf
import Testing

@testable import RemoteCRI

@Suite struct MappingTests {
    private var sandbox: PodSandboxConfig {
        var config = PodSandboxConfig(metadata: PodSandboxMetadata(name: "p", uid: "u", namespace: "n", attempt: 2))
        config.hostname = "h"
        config.logDirectory = "/var/log/pods/x"
        config.dns = .init(servers: ["192.0.2.1"], searches: ["a.test"], options: ["ndots:5"])
        config.labels = ["a": "b"]
        config.annotations = ["c": "d"]
        config.pid = .pod
        config.ipc = .node
        config.sysctls = ["net.core.somaxconn": "64"]
        config.portMappings = [
            PortMapping(transport: "UDP", containerPort: 53, hostPort: 5353, hostAddress: "192.0.2.9")
        ]
        config.cgroupParent = "/kubepods"
        config.resources.oomScoreAdjustment = 0
        config.selinux = SELinuxOptions(level: "s0:c1")
        return config
    }

    private var container: ContainerConfig {
        var config = ContainerConfig(metadata: ContainerMetadata(name: "c", attempt: 1), image: "i:1")
        config.command = ["sh"]
        config.arguments = ["-c", "true"]
        config.environment = [EnvironmentVariable("A", "1")]
        config.mounts = [Mount(hostPath: "/s", containerPath: "/t", isReadOnly: true, propagation: .hostToContainer)]
        config.mounts[0].isRelabelled = true
        config.devices = [Device(hostPath: "/dev/fuse", containerPath: "/dev/f", permissions: "rw")]
        config.namedDevices = ["vendor.com/class=one"]
        config.logPath = "c/0.log"
        config.terminal = true
        config.stopSignal = "SIGUSR1"
        config.resources.cpuRequest = 100
        config.resources.cpuLimit = 500
        config.resources.memoryLimit = 64 << 20
        config.resources.oomScoreAdjustment = -997
        config.resources.unified = ["memory.high": "1000"]
        config.resources.hugePageLimits = ["2MB": 0]
        config.security.user = 1000
        config.security.group = 1001
        config.security.supplementalGroups = [5, 6]
        config.security.hasStrictGroups = true
        config.security.addCapabilities = ["NET_ADMIN"]
        config.security.dropCapabilities = ["ALL"]
        config.security.seccomp = .localhost(path: "/p.json")
        config.security.appArmor = .localhost("p")
        config.security.selinux = SELinuxOptions(user: "u", role: "r", type: "t", level: "s0:c1")
        config.security.maskedPaths = ["/proc/kcore"]
        config.security.readOnlyPaths = ["/proc/sys"]
        config.security.noNewPrivileges = true
        config.processTarget = "other"
        return config
    }

    /// Over the wire and back.
    private func sent<Fields: ProtobufFields>(_ message: Message<Fields>) throws -> Message<Fields> {
        try Message(parsing: message.encoded)
    }

    @Test func configsComeBackAsTheyWere() throws {
        #expect(try PodSandboxConfig(sent(sandbox.wire)) == sandbox)
        #expect(try ContainerConfig(sent(container.wire(in: sandbox))) == container)
    }

    @Test func anImageIsAskedForByItsIdWhereThatIsKnown() throws {
        var config = container
        var volume = Mount(hostPath: "", containerPath: "/v", isReadOnly: true)
        volume.image = "model:1"
        config.mounts.append(volume)
        #expect(try ContainerConfig(sent(config.wire(in: sandbox))) == config)
        #expect(config.wire(in: sandbox).image?.image == "i:1")
        config.imageID = "sha256:1"
        config.mounts[1].imageID = "sha256:2"
        let wire = try sent(config.wire(in: sandbox))
        #expect(wire.image?.image == "sha256:1" && wire.image?.userSpecifiedImage == "i:1")
        #expect(wire.mounts[1].image?.image == "sha256:2")
        #expect(try ContainerConfig(wire) == config)
    }

    @Test func statusesComeBackAsTheyWere() throws {
        var status = ContainerStatus(
            id: "i", sandbox: "s", metadata: ContainerMetadata(name: "c"), state: .exited, createdAt: 1, image: "x:1",
            imageID: "sha256:1")
        (status.startedAt, status.finishedAt, status.exitCode) = (2, 3, -1)
        (status.reason, status.message, status.logPath) = ("Error", "why", "/l")
        (status.labels, status.annotations) = (["a": ""], ["b": "c"])
        status.mounts = container.mounts
        status.resources = container.resources
        status.user = ContainerUser(userID: 1, groupID: 2, supplementaryGroups: [2, 3])
        status.stopSignal = "SIGTERM"
        status.imageReference = "r/x@sha256:2"
        #expect(try ContainerStatus(sent(status.wire), listed: sent(status.listed)) == status)
        // An older runtime has the image's id in its list alone.
        var wire = status.wire
        wire.imageID = ""
        #expect(try ContainerStatus(wire, listed: status.listed).imageID == "sha256:1")
        var box = PodSandboxStatus(
            id: "s", metadata: sandbox.metadata, state: .notReady, createdAt: 9,
            addresses: ["192.0.2.1", "2001:db8::1"])
        box.ipc = .node
        box.users = Self.users
        #expect(try PodSandboxStatus(sent(box.wire)) == box)
    }

    @Test func whatCannotBeIsRefused() {
        func refused(_ change: (inout Message<Wire.LinuxContainerSecurityContext>) -> Void) -> Bool {
            var context = Message<Wire.LinuxContainerSecurityContext>()
            change(&context)
            return (try? ContainerSecurity(context)) == nil
        }
        #expect(refused { $0.runAsGroup = Message { $0.value = 1 } })
        #expect(refused { $0.seccompProfilePath = "what" })
        #expect(refused { $0.apparmor = Message { $0.profileType = .localhost } })
        #expect(refused { $0.apparmorProfile = "what" })
        #expect(refused { $0.apparmorProfile = "localhost/" })
        #expect((try? PodSandboxConfig(Message())) == nil)
        #expect((try? ContainerConfig(nil)) == nil)
        let mapped = Message<Wire.PodSandboxConfig> { config in
            config.metadata = sandbox.metadata.wire
            config.linux = Message { linux in
                linux.securityContext = Message { context in
                    context.namespaceOptions = Message { options in
                        options.usernsOptions = Message { $0.mode = .container }
                    }
                }
            }
        }
        #expect(throws: CRIError.self) { try PodSandboxConfig(mapped) }
    }

    private static let users = PodUsers(
        users: .init(first: 65_536, count: 65_536), groups: .init(first: 131_072, count: 65_536))

    private func users(
        _ mode: Wire.NamespaceMode, _ maps: [(container: UInt32, host: UInt32, length: UInt32)]
    ) throws(CRIError) -> PodUsers? {
        let mappings = maps.map { map in
            Message<Wire.IDMapping> {
                $0.containerID = map.container
                $0.hostID = map.host
                $0.length = map.length
            }
        }
        return try PodUsers(
            Message {
                $0.mode = mode
                $0.uids = mappings
                $0.gids = mappings
            })
    }

    @Test func usersOfAPodAreOneWholeRange() throws {
        let range = PodUsers.Range(first: 1_000, count: 100_000)
        #expect(try users(.pod, [(0, 1_000, 100_000)]) == PodUsers(users: range, groups: range))
        #expect(try users(.node, [(0, 1_000, 100_000)]) == nil)
        #expect(try users(.pod, []) == nil)
        let wrong: [[(UInt32, UInt32, UInt32)]] = [
            [(0, 1_000, 100_000), (0, 2_000, 100_000)], [(1, 1_000, 100_000)], [(0, 0, 100_000)],
            [(0, 1_000, 65_534)], [(0, .max - 10, 65_536)],
        ]
        for maps in wrong { #expect(throws: CRIError.self, "\(maps)") { try users(.pod, maps) } }
        #expect(throws: CRIError.self) { try users(.container, [(0, 1_000, 100_000)]) }
        #expect(throws: CRIError.self) { try users(.target, [(0, 1_000, 100_000)]) }
    }

    @Test func limitsThatAreLiftedComeBackAsTheyWere() throws {
        var resources = ContainerResources()
        resources.cpuLimit = -1
        resources.memoryLimit = -1
        resources.oomScoreAdjustment = 0
        #expect(ContainerResources(try sent(resources.wire)) == resources)
    }

    @Test func nothingSaidIsWhatTheCRISays() throws {
        let security = try ContainerSecurity(Message())
        #expect(security.seccomp == .unconfined && security.maskedPaths == nil && security.user == nil)
        let box = try PodSandboxConfig(Message { $0.metadata = sandbox.metadata.wire })
        #expect(box.pid == .pod && box.network == .pod && box.cgroupParent.isEmpty)
    }

    @Test func appArmorProfilesComeInTwoForms() throws {
        func read(_ change: (inout Message<Wire.LinuxContainerSecurityContext>) -> Void) throws
            -> ContainerSecurity.AppArmor?
        {
            var context = Message<Wire.LinuxContainerSecurityContext>()
            change(&context)
            return try ContainerSecurity(context).appArmor
        }
        #expect(try read { _ in } == nil)
        #expect(try read { $0.apparmorProfile = "localhost/a b" } == .localhost("a b"))
        #expect(try read { $0.apparmorProfile = "runtime/default" } == .runtimeDefault)
        let newer = try read {
            $0.apparmorProfile = "runtime/default"
            $0.apparmor = Message {
                $0.profileType = .localhost
                $0.localhostRef = "localhost/mine"
            }
        }
        #expect(newer == .localhost("mine"))
    }

    @Test func credentialsComeInTwoForms() throws {
        let joined = Message<Wire.AuthConfig> { $0.auth = "dXNlcjpwYTpzcw==" }
        #expect(try RegistryAuth(joined) == RegistryAuth(username: "user", password: "pa:ss"))
        #expect(try RegistryAuth(Message()) == nil)
        #expect(throws: CRIError.self) { try RegistryAuth(Message { $0.auth = "%" }) }
    }
}
