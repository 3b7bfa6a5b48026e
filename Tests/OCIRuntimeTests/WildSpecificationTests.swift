import JSONTree
import Launch
import OCISpecification
import Testing

@testable import OCIRuntime

/// Configurations with anything anywhere: each is planned or refused by the name of a field, and none traps.
@Suite struct WildSpecificationTests {
    private static let whole: JSONValue = {
        var value = SampleSpecification.json(isRootless: true).object ?? JSONObject()
        let device: JSONValue = ["type": "c", "path": "/dev/x", "major": 1, "minor": 3]
        value["hooks"] = ["prestart": [["path": "/x", "timeout": 1, "args": ["x"]]]]
        var linux = value["linux"]?.object ?? JSONObject()
        linux["devices"] = [device]
        linux["sysctl"] = ["net.ipv4.ip_forward": "1"]
        linux["namespaces"] = .array((linux["namespaces"]?.array ?? []) + [["type": "time"]])
        linux["timeOffsets"] = ["boottime": ["secs": 1, "nanosecs": 2]]
        linux["seccomp"] = [
            "defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86"],
            "syscalls": [
                [
                    "names": ["mkdir"], "action": "SCMP_ACT_ALLOW",
                    "args": [["index": 0, "value": 1, "valueTwo": 2, "op": "SCMP_CMP_EQ"]],
                ]
            ],
        ]
        linux["resources"] = [
            "memory": ["limit": 1, "swap": 2], "cpu": ["shares": 2, "quota": 3, "period": 4], "pids": ["limit": 5],
            "blockIO": ["weight": 10, "throttleReadBpsDevice": [["major": 1, "minor": 2, "rate": 3]]],
            "devices": [["allow": true, "type": "c", "major": 1, "minor": 2, "access": "rw"]],
            "unified": ["memory.high": "1"], "rdma": ["m": ["hcaHandles": 1]],
        ]
        value["linux"] = .object(linux)
        return .object(value)
    }()

    private func tryIt(_ value: JSONValue) -> Bool {
        guard let specification = try? RuntimeSpecification(value, file: "f") else { return false }
        let planner = BundlePlanner(specification, bundle: "/b", container: "c", facts: HostFacts())
        if let section = specification.linux.seccomp {
            _ = try? SeccompDecision.profile(section)
            _ = try? SeccompDecision.flags(section)
        }
        _ = ResourceSettings.settings(specification.linux.resources ?? ResourceSpecification())
        guard let plan = try? planner.plan(specification.process ?? .unset, seccomp: nil) else { return false }
        return (try? plan.encoded(isGated: true)) != nil
    }

    @Test func anythingIsPlannedOrRefused() {
        #expect(tryIt(Self.whole))
        var dice = Dice(state: 1)
        var planned = 0
        for _ in 0..<20_000 {
            var value = Self.whole
            for _ in 0...dice.roll(3) { value = value.mutated(&dice) }
            if tryIt(value) { planned += 1 }
        }
        // Both happen, or it would try nothing.
        #expect((1000..<19_000).contains(planned), "\(planned) of 20000 were planned")
    }
}
