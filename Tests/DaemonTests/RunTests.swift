import CRI
import Glibc
import JSONTree
import Linux
import TestSupport
import Testing

@testable import Daemon

@Suite struct RunTests {
    @Test func variables() throws {
        #expect(try RunSpec.variable("A=b=c", caller: [:]) == EnvironmentVariable("A", "b=c"))
        #expect(try RunSpec.variable("A=", caller: [:]) == EnvironmentVariable("A", ""))
        #expect(try RunSpec.variable("HOME", caller: ["HOME": "/root"]) == EnvironmentVariable("HOME", "/root"))
        #expect(try RunSpec.variable("HOME", caller: [:]) == nil)
        #expect(throws: DaemonError.self) { try RunSpec.variable("=x", caller: [:]) }
    }

    /// "sh" is the beginning of every id's kind.
    @Test func whatAnImageIsCalled() {
        let image: JSONValue = ["id": "sha256:0123456789abcdef", "repoTags": ["docker.io/library/a:latest"]]
        func isCalled(_ name: String) -> Bool {
            NodeClient.isCalled(image, name, "docker.io/library/\(name):latest")
        }
        #expect(isCalled("a") && isCalled("sha256:01") && isCalled("0123456789ab"))
        #expect(!isCalled("b") && !isCalled("sh") && !isCalled("sha256") && !isCalled("0123"))
    }

    @Test func variablesOfAFile() throws {
        let path = "\(temporaryDirectory)/run-variables-\(getpid())"
        defer { unlink(path) }
        func variables(_ text: String) throws -> [EnvironmentVariable] {
            try WholeFile.replace(path, with: Array(text.utf8), mode: 0o600, durable: false)
            return try RunSpec.variables(inFile: path, caller: ["HOME": "/root"])
        }
        let given = try variables("# a remark\n\nA=b = c #d\n  B=\nHOME\nNOWHERE\nLAST='x'")
        #expect(
            given == [
                EnvironmentVariable("A", "b = c #d"), EnvironmentVariable("B", ""),
                EnvironmentVariable("HOME", "/root"),
                EnvironmentVariable("LAST", "'x'"),
            ])
        for bad in ["=x", "A B=c", "A=b\nexport C=d"] {
            let error = #expect(throws: DaemonError.self) { try variables(bad) }
            #expect(error?.description.contains("line \(bad.split(separator: "\n").count)") == true)
        }
        let error = #expect(throws: DaemonError.self) {
            try RunSpec.variables(inFile: path + "-none", caller: [:])
        }
        #expect(error?.description.contains(path + "-none") == true)
    }

    @Test func anEmptyEntryPointLeavesTheCommandAlone() throws {
        func executed(_ words: [String], _ entryPoint: String?) throws -> [[String]] {
            var spec = RunSpec(name: "a", image: "b")
            try spec.execute(words, entryPoint: entryPoint)
            return [spec.entryPoint, spec.command]
        }
        #expect(try executed(["a", "b"], nil) == [[], ["a", "b"]])
        #expect(try executed(["a", "b"], "c") == [["c"], ["a", "b"]])
        #expect(try executed(["a", "b"], "") == [["a", "b"], []])
        #expect(throws: DaemonError.self) { try executed([], "") }
    }

    @Test func volumes() throws {
        let mount = try RunSpec.mount("/a:/b:ro", from: "/home")
        #expect(mount.hostPath == "/a" && mount.containerPath == "/b" && mount.isReadOnly)
        #expect(try !RunSpec.mount("/a:/b", from: "/home").isReadOnly)
        for (here, path) in [
            (".", "/home/."), ("..", "/home/.."), ("./a", "/home/./a"), ("../a", "/home/../a"), (".a", nil), ("a", nil),
        ] {
            #expect((try? RunSpec.mount("\(here):/b", from: "/home"))?.hostPath == path)
        }
        #expect(try RunSpec.mount("/a:/b:rslave,ro", from: nil).propagation == .hostToContainer)
        #expect(try !RunSpec.mount("/a:/b:ro", from: nil).isRelabelled)
        for (word, isShared) in [("z", true), ("Z", false)] {
            let mount = try RunSpec.mount("/a:/b:ro,\(word)", from: nil)
            #expect(mount.isReadOnly && mount.isRelabelled && mount.sharesLabel == isShared)
            var spec = RunSpec(name: "n", image: "i")
            spec.mounts = [mount]
            #expect(RunSpec(spec.json)?.mounts == [mount])
        }
        for bad in ["/a", "a:/b", "./a", "/a:b", "/a:/b:rx", "/a:/b:ro:x", "/a:/b:", ""] {
            #expect(throws: DaemonError.self) { try RunSpec.mount(bad, from: "/home") }
        }
    }

    @Test func ports() throws {
        #expect(try RunSpec.port("8080:80") == PortMapping(transport: "TCP", containerPort: 80, hostPort: 8_080))
        let full = try RunSpec.port("192.0.2.1:53:5353/udp")
        #expect(
            full == PortMapping(transport: "UDP", containerPort: 5_353, hostPort: 53, hostAddress: "192.0.2.1"))
        for bad in ["80", "0:80", "80:0", "80:70000", "a:b", "80:80/icmp", "1:2:3:4"] {
            #expect(throws: DaemonError.self) { try RunSpec.port(bad) }
        }
    }

    @Test func aPortLeadsToOnePlace() throws {
        func check(_ texts: String...) throws {
            var ports: [PortMapping] = []
            for text in texts { ports.append(try RunSpec.port(text)) }
            try RunSpec.check(ports: ports)
        }
        try check()
        try check("80:80", "81:80", "80:80/udp", "192.0.2.1:82:80", "192.0.2.2:82:81")
        for bad in [("80:80", "80:81"), ("192.0.2.1:80:80", "80:81"), ("0.0.0.0:80:80", "192.0.2.1:80:81")] {
            let error = #expect(throws: DaemonError.self) { try check(bad.0, bad.1) }
            #expect(error?.description.contains("80/tcp of this machine is given twice") == true)
        }
    }

    @Test func amounts() throws {
        #expect(try RunSpec.bytes("64m") == 64 << 20)
        #expect(try RunSpec.bytes("64Mi") == 64 << 20)
        #expect(try RunSpec.bytes("64MiB") == 64 << 20)
        #expect(try RunSpec.bytes("64mb") == 64 << 20)
        #expect(try RunSpec.bytes("1.5g") == 3 << 29)
        #expect(try RunSpec.bytes("8192") == 8_192)
        #expect(try RunSpec.bytes("8192b") == 8_192)
        for bad in ["", "m", "-1m", "64x", "64mm", "1", "1e30g", "nan", "."] {
            #expect(throws: DaemonError.self) { try RunSpec.bytes(bad) }
        }
        #expect(try RunSpec.processors("1.5") == 1_500)
        for bad in ["", "0", "-1", "nan", "inf", "x"] {
            #expect(throws: DaemonError.self) { try RunSpec.processors(bad) }
        }
    }

    @Test func names() throws {
        try RunSpec.check(name: "web-1")
        for bad in ["", "-a", "a-", "A", "a.b", "a/b", String(repeating: "a", count: 64)] {
            #expect(throws: DaemonError.self) { try RunSpec.check(name: bad) }
        }
    }

    private var spec: RunSpec {
        var spec = RunSpec(name: "web", image: "web:1")
        spec.entryPoint = ["/bin/sh"]
        spec.command = ["-c", "true"]
        spec.environment = [EnvironmentVariable("A", "b")]
        spec.mounts = [CRI.Mount(hostPath: "/a", containerPath: "/b", isReadOnly: true)]
        if let memory = try? RunSpec.memory("/m:size=1m,exec") { spec.mounts.append(memory) }
        spec.ports = [PortMapping(transport: "UDP", containerPort: 1, hostPort: 2, hostAddress: "192.0.2.1")]
        spec.network = .none
        (spec.hostname, spec.workingDirectory, spec.user) = ("h", "/w", "12:34")
        (spec.resources.memoryLimit, spec.resources.cpuLimit) = (1 << 20, 500)
        (spec.hasInput, spec.hasTerminal, spec.hasReadOnlyRoot) = (true, true, true)
        spec.confinement.isPrivileged = true
        spec.terminalSize = TerminalSize(columns: 91, rows: 33)
        (spec.isDetached, spec.isRemovedAtEnd) = (true, true)
        (spec.confinement.addCapabilities, spec.confinement.dropCapabilities) = (["NET_ADMIN"], ["ALL"])
        (spec.confinement.seccomp, spec.confinement.appArmor) = ("/p.json", "unconfined")
        (spec.confinement.noNewPrivileges, spec.confinement.isProcUnmasked) = (true, true)
        spec.groups = ["tty", "7"]
        spec.processLimits = [ProcessLimit(resource: 7, soft: 1, hard: .max)]
        spec.sharedMemory = 1 << 20
        spec.hosts = [HostEntry(name: "machine", address: "host-gateway")]
        spec.devices = [Device(hostPath: "/dev/a", containerPath: "/dev/b", permissions: "r")]
        spec.namedDevices = ["a.com/b=c"]
        spec.sysctls = ["net.a": "1"]
        spec.dns = PodSandboxConfig.DNS(servers: ["192.0.2.9"], options: ["ndots:3"])
        (spec.labels, spec.annotations) = (["l": ""], ["n": "this"])
        (spec.processes, spec.ipc, spec.stopSignal, spec.grace) = (.pod, .node, "INT", 3)
        return spec
    }

    @Test func nothingIsLostOnTheWayToTheDaemon() throws {
        let there = try JSONValue(parsing: spec.json.encoded())
        #expect(RunSpec(there) == spec)
        #expect(RunSpec(RunSpec(name: "a", image: "b").json) == RunSpec(name: "a", image: "b"))
        #expect(RunSpec(["name": "a"]) == nil)
        var newer = try #require(spec.json.object)
        newer["unheardOf"] = true
        #expect(RunSpec(.object(newer)) == nil)
        for name in ["confinement", "resources", "dns"] {
            var (outer, inner) = (try #require(spec.json.object), try #require(spec.json[name]?.object))
            inner["unheardOf"] = true
            outer[name] = .object(inner)
            #expect(RunSpec(.object(outer)) == nil, "\(name)")
        }
        var outer = try #require(spec.json.object)
        outer["mounts"] = .array(
            spec.mounts.map { mount in
                var inner = mount.json
                inner["unheardOf"] = true
                return .object(inner)
            })
        #expect(RunSpec(.object(outer)) == nil)
    }

    /// A daemon that knows the container alone does not know the message.
    @Test func commandAndDaemonOfOtherReleases() {
        #expect(RunSpec(message: spec.message) == spec && RunSpec(spec.message) == nil)
        #expect(RunSpec(message: spec.json) == spec)
        #expect(RunSpec(message: ["conversation": 3, "container": spec.json]) == nil)
        #expect(RunSpec(message: ["conversation": 2]) == nil)
    }

    @Test func theRuntimeIsAskedForIt() throws {
        let sandbox = spec.sandbox(
            uid: "u", logs: "/logs/u", resolver: "nameserver 192.0.2.1\nsearch lan\n", gateway: "10.0.0.1")
        #expect(sandbox.hosts == [HostEntry(name: "machine", address: "10.0.0.1")] && sandbox.sharedMemory == 1 << 20)
        #expect(!sandbox.hasLink && sandbox.network == .pod && sandbox.hostname == "h")
        #expect(sandbox.labels[PodSandboxStatus.sessionLabel] == "web")
        let container = spec.container()
        #expect(container.command == ["/bin/sh"] && container.arguments == ["-c", "true"])
        #expect(container.security.user == 12 && container.security.group == 34)
        #expect(container.security.addCapabilities == ["NET_ADMIN"] && container.security.dropCapabilities == ["ALL"])
        #expect(container.environment.contains(EnvironmentVariable("TERM", "xterm")))
        #expect(container.security.seccomp == .localhost(path: "/p.json") && container.security.appArmor == .unconfined)
        #expect(container.security.supplementalGroupNames == ["tty", "7"] && container.stopSignal == "INT")
        #expect(sandbox.dns == PodSandboxConfig.DNS(servers: ["192.0.2.9"], searches: ["lan"], options: ["ndots:3"]))
        #expect(sandbox.pid == .pod && sandbox.ipc == .node && sandbox.labels[PodSandboxStatus.graceLabel] == "3")
        #expect(container.resources.memoryLimit == 1 << 20 && container.resources.cpuLimit == 500)
        // Nobody who hears it, and nobody whose end of input is the container's.
        #expect(sandbox.logDirectory == "/logs/u" && container.logPath == "log" && !container.standardInputOnce)
        #expect(sandbox.labels[PodSandboxStatus.detachedLabel] == PodSandboxStatus.removedAtEnd)
        var named = spec
        named.isDetached = false
        #expect(named.container().logPath.isEmpty && named.container().standardInputOnce)
        #expect(named.sandbox(uid: "u", logs: "/logs/u").labels[PodSandboxStatus.detachedLabel] == nil)
        for (user, number, name, group, groupName) in [
            ("nobody", nil, "nobody", nil, ""), ("nobody:nogroup", nil, "nobody", nil, "nogroup"),
            ("7:nogroup", 7, "", nil, "nogroup"), ("nobody:8", nil, "nobody", 8, ""), ("7:", 7, "", nil, ""),
        ] as [(String, Int64?, String, Int64?, String)] {
            named.user = user
            let security = named.container().security
            #expect(security.user == number && security.userName == name, "\(user)")
            #expect(security.group == group && security.groupName == groupName, "\(user)")
        }
    }

    @Test func eventsAreLinesForPeople() {
        var event: JSONObject = [
            "time": 1_700_000_000_000_000_000, "kind": "container", "action": "stopped", "id": "abc",
            "name": "default/web/main", "image": "web:1", "exitCode": 3, "reason": "Error",
        ]
        #expect(
            EventLine.text(.object(event))
                == "2023-11-14T22:13:20Z  container  stopped   default/web/main  web:1  exit code 3 (Error)")
        event["reason"] = "StartError"
        event["message"] = "no such program"
        #expect(EventLine.text(.object(event)).hasSuffix("exit code 3 (StartError: no such program)"))
        let image: JSONValue = ["time": 0, "kind": "image", "action": "added", "id": "sha256:1234567890abcdef"]
        #expect(EventLine.text(image) == "1970-01-01T00:00:00Z  image      added     sha256:123456")
    }

    @Test func whatCouldNotBeMadeHasACodeOfItsOwn() async throws {
        var said: [DaemonError] = []
        let pull = DaemonError("no such image")
        #expect(try await RunSession.code(of: { throw pull }, failed: { said.append($0) }) == 125)
        #expect(said == [pull])
        #expect(try await RunSession.code(of: { 7 }, failed: { said.append($0) }) == 7)
        #expect(said.count == 1)
    }

    @Test func aFailureNamesItsStep() {
        #expect(CRIError.invalid("no").prefixed("make it") == .invalid("cannot make it: no"))
        #expect(
            CRIError.invalid("container web: no").prefixed("create container web")
                == .invalid("cannot create container web: no"))
        #expect(
            CRIError.startFailed(message: "no", exitCode: 127).prefixed("start it")
                == .startFailed(message: "cannot start it: no", exitCode: 127))
    }
}
