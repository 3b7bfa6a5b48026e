import CRI
import Testing

@testable import Daemon

/// Options of `swiftlet run` beyond the plainest ones.
@Suite struct RunOptionsTests {
    @Test func limits() throws {
        var spec = RunSpec(name: "a", image: "b")
        try spec.limitTime(shares: 512, quota: 50_000, period: nil)
        #expect(spec.resources.cpuRequest == 500 && spec.resources.cpuLimit == 500)
        #expect(throws: DaemonError.self) { try spec.limitTime(shares: nil, quota: 50_000, period: nil) }
        var exact = RunSpec(name: "a", image: "b")
        #expect(throws: DaemonError.self) { try exact.limitTime(shares: 0, quota: 12_345, period: nil) }
        try exact.limitTime(shares: 0, quota: -1, period: 0)
        #expect(exact.resources == ContainerResources())
        #expect(throws: DaemonError.self) { try spec.limitTime(shares: 1, quota: nil, period: nil) }
        #expect(throws: DaemonError.self) { try spec.limitSwap("64m") }
        spec.resources.memoryLimit = 32 << 20
        try spec.limitSwap("64m")
        #expect(spec.resources.memorySwapLimit == 64 << 20)
        #expect(throws: DaemonError.self) { try spec.limitSwap("16m") }
    }

    @Test func limitsOfProcesses() throws {
        #expect(try RunSpec.limit("nofile=1:2") == ProcessLimit(resource: 7, soft: 1, hard: 2))
        #expect(try RunSpec.limit("core=-1") == ProcessLimit(resource: 4, soft: .max, hard: .max))
        for bad in ["nofile", "nofile=", "nofile=2:1", "nofile=1:2:3", "files=1", "nofile=-2"] {
            #expect(throws: DaemonError.self) { try RunSpec.limit(bad) }
        }
    }

    @Test func memoryAndMountsByFields() throws {
        let memory = try RunSpec.memory("/m:size=1m,mode=700,ro")
        #expect(memory.memory?.options == ["size": "1048576", "mode": "700"] && memory.isReadOnly)
        for bad in ["m", "/", "/m:mode=9", "/m:size=x", "/m:suid"] {
            #expect(throws: DaemonError.self) { try RunSpec.memory(bad) }
        }
        let bind = try RunSpec.mount(fields: "type=bind,src=./a,dst=/b,ro,bind-propagation=rshared", from: "/home")
        #expect(bind.hostPath == "/home/./a" && bind.isReadOnly && bind.propagation == .bidirectional)
        #expect(
            try RunSpec.mount(fields: "type=tmpfs,target=/t,tmpfs-size=1m", from: nil).memory?.options["size"]
                == "1048576")
        for bad in [
            "", "target=/t", "type=bind,target=/t", "type=bind,source=a,target=/t", "type=tmpfs,target=t",
            "type=bind,source=/a,target=/t,bind-propagation=x", "type=tmpfs,target=/t,x=y",
        ] {
            #expect(throws: DaemonError.self) { try RunSpec.mount(fields: bad, from: "/home") }
        }
    }

    @Test func hosts() throws {
        #expect(try RunSpec.host("a:192.0.2.1") == HostEntry(name: "a", address: "192.0.2.1"))
        #expect(try RunSpec.host("a:[::1]") == HostEntry(name: "a", address: "::1"))
        #expect(try RunSpec.host("a=::1") == HostEntry(name: "a", address: "::1"))
        #expect(try RunSpec.host("a:host-gateway").address == "host-gateway")
        for bad in ["", "a", ":1.2.3.4", "a:b", "a b:192.0.2.1"] {
            #expect(throws: DaemonError.self) { try RunSpec.host(bad) }
        }
    }

    @Test func devices() throws {
        func taken(_ text: String) throws -> RunSpec {
            var spec = RunSpec(name: "a", image: "b")
            try spec.take(device: text)
            return spec
        }
        func device(_ here: String, _ there: String, _ permissions: String) -> [Device] {
            [Device(hostPath: here, containerPath: there, permissions: permissions)]
        }
        #expect(try taken("/dev/a").devices == device("/dev/a", "/dev/a", "rwm"))
        #expect(try taken("/dev/a:r").devices == device("/dev/a", "/dev/a", "r"))
        #expect(try taken("/dev/a:/dev/b:rw").devices == device("/dev/a", "/dev/b", "rw"))
        #expect(try taken("a.com/b=c").namedDevices == ["a.com/b=c"])
        for bad in ["a", "", "/dev/a:/dev/b:/dev/c", "/dev/a:x", "/tmp/a", "/dev/a:"] {
            #expect(throws: DaemonError.self) { try taken(bad) }
        }
    }

    @Test func securityOptions() throws {
        var confinement = RunConfinement()
        for option in [
            "no-new-privileges", "seccomp=a.json", "apparmor:mine", "label=disable", "systempaths=unconfined",
        ] {
            try confinement.take(option, from: "/home")
        }
        #expect(confinement.noNewPrivileges && confinement.seccomp == "/home/a.json" && confinement.appArmor == "mine")
        #expect(
            confinement.isUnlabelled && confinement.security.isUnlabelled && !RunConfinement().security.isUnlabelled)
        var spec = RunSpec(name: "n", image: "i")
        spec.confinement = confinement
        #expect(RunSpec(spec.json)?.confinement == confinement)
        #expect(confinement.isProcUnmasked && confinement.security.seccomp == .localhost(path: "/home/a.json"))
        for bad in ["", "seccomp", "seccomp=", "label=type:x", "no-new-privileges=maybe", "nonsense"] {
            #expect(throws: DaemonError.self) { try confinement.take(bad, from: "/home") }
        }
    }
}
