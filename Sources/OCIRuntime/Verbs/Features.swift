import CLaunch
import JSONTree
import Launch
import OCISpecification

/// What this runtime can do, as features.md of the specification has it.
enum Features {
    static var json: JSONValue {
        [
            "ociVersionMin": "1.0.0", "ociVersionMax": .string(RuntimeSpecification.followedVersion),
            "hooks": texts(["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]),
            "mountOptions": texts(MountOptions.known), "linux": linux,
            "annotations": ["org.swiftlet.oci": "true"],
        ]
    }

    private static var linux: JSONValue {
        let yes: JSONValue = ["enabled": true]
        let no: JSONValue = ["enabled": false]
        let group: JSONValue = [
            "v1": false, "v2": true, "systemd": true, "systemdUser": true, "rdma": true,
        ]
        let mounts: JSONValue = ["idmap": yes]
        return [
            "namespaces": texts(NamespaceKind.allCases.map { $0.name }.sorted()),
            "capabilities": texts(Capability.names(in: Capability.all)), "cgroup": group, "seccomp": seccomp,
            "apparmor": yes, "selinux": yes, "intelRdt": no, "mountExtensions": mounts,
            "memoryPolicy": memoryPolicy, "netDevices": yes,
        ]
    }

    private static var memoryPolicy: JSONValue {
        ["modes": texts(MemoryPolicyNames.modes), "flags": texts(MemoryPolicyNames.flags.keys.sorted())]
    }

    private static var seccomp: JSONValue {
        [
            "enabled": true, "actions": texts(SeccompSpecification.actions),
            "operators": texts(SeccompSpecification.operations),
            "archs": texts(
                [
                    "X86", "X86_64", "X32", "ARM", "AARCH64", "MIPS", "MIPS64", "MIPS64N32", "MIPSEL", "MIPSEL64",
                    "MIPSEL64N32", "PPC", "PPC64", "PPC64LE", "S390", "S390X", "PARISC", "PARISC64", "RISCV64",
                ].map { "SCMP_ARCH_" + $0 }),
            "knownFlags": texts(SeccompDecision.flagBits.keys.sorted()),
            "supportedFlags": texts(SeccompDecision.flagBits.keys.sorted()),
        ]
    }

    private static func texts(_ list: [String]) -> JSONValue { .array(list.map(JSONValue.string)) }
}
