import CRI
import Testing

@testable import ContainerRuntime

@Suite struct SysctlDecisionTests {
    @Test func parametersOfTheNodeAreRefused() throws {
        func check(_ name: String, network: NamespaceMode = .pod) throws {
            var config = podConfig
            config.network = network
            config.sysctls = [name: "1"]
            try SysctlDecision.check(config)
        }
        try check("net.ipv4.ip_unprivileged_port_start")
        try check("net/core/somaxconn")
        for name in ["kernel.shmmax", "kernel.shm_next_id", "kernel/msg_next_id", "fs.mqueue.msg_max"] {
            try check(name)
        }
        let others = [
            "kernel.panic", "vm.swappiness", "fs.file-max", "kernel.hostname", "net/../kernel/panic", "net..core",
        ]
        for name in others {
            #expect(throws: CRIError.self) { try check(name) }
        }
        #expect(throws: CRIError.self) { try check("net.core.somaxconn", network: .node) }
    }

    @Test func aNetworkOfItsOwnTakesAnyPortFromAnyUser() {
        let all = "         0          0 4294967295\n"
        let start = "net.ipv4.ip_unprivileged_port_start"
        let groups = "net.ipv4.ping_group_range"
        var config = podConfig
        #expect(SysctlDecision.parameters(config, groups: all) == [start: "0", groups: "0 2147483647"])
        #expect(SysctlDecision.parameters(config, groups: "0 100000 65536") == [start: "0"])
        config.sysctls = ["net/ipv4/ip_unprivileged_port_start": "80", "kernel.shmmax": "1"]
        config.users = PodUsers(users: .init(first: 65_536, count: 1), groups: .init(first: 65_536, count: 1))
        #expect(SysctlDecision.parameters(config, groups: all) == config.sysctls)
        config.network = .node
        config.users = nil
        #expect(SysctlDecision.parameters(config, groups: all) == config.sysctls)
    }
}
