import Glibc
import JSONTree
import Launch
import OCISpecification

/// A bundle's configuration to begin with.
enum SampleSpecification {
    /// `isRootless` maps this user to root and leaves out what only root may have.
    static func json(isRootless: Bool) -> JSONValue {
        var linux: JSONObject = [
            "namespaces": .array(
                ["pid", "network", "ipc", "uts", "mount", "cgroup"].map { ["type": .string($0)] }
                    + (isRootless ? [["type": "user"]] : [])),
            "maskedPaths": .array(LaunchPlan.defaultMaskedPaths.map(JSONValue.string)),
            "readonlyPaths": .array(LaunchPlan.defaultReadOnlyPaths.map(JSONValue.string)),
        ]
        if isRootless {
            linux["uidMappings"] = [["containerID": 0, "hostID": .integer(Int64(geteuid())), "size": 1]]
            linux["gidMappings"] = [["containerID": 0, "hostID": .integer(Int64(getegid())), "size": 1]]
        } else {
            linux["resources"] = ["devices": [["allow": false, "access": "rwm"]]]
        }
        return [
            "ociVersion": .string(RuntimeSpecification.followedVersion), "process": process,
            "root": ["path": "rootfs", "readonly": true],
            "hostname": "swiftlet", "mounts": .array(mounts(isRootless)), "linux": .object(linux),
        ]
    }

    private static var process: JSONValue {
        let capabilities: JSONValue = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
        return [
            "terminal": true, "user": ["uid": 0, "gid": 0], "args": ["sh"],
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"], "cwd": "/",
            "capabilities": ["bounding": capabilities, "effective": capabilities, "permitted": capabilities],
            "rlimits": [["type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024]], "noNewPrivileges": true,
        ]
    }

    private static func mounts(_ isRootless: Bool) -> [JSONValue] {
        func mount(_ target: String, _ type: String, _ source: String, _ options: [String]) -> JSONValue {
            [
                "destination": .string(target), "type": .string(type), "source": .string(source),
                "options": .array(options.map(JSONValue.string)),
            ]
        }
        let strict = ["nosuid", "noexec", "nodev"]
        let terminals =
            ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"] + (isRootless ? [] : ["gid=5"])
        return [
            mount("/proc", "proc", "proc", strict),
            mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            mount("/dev/pts", "devpts", "devpts", terminals),
            mount("/dev/shm", "tmpfs", "shm", strict + ["mode=1777", "size=65536k"]),
            mount("/dev/mqueue", "mqueue", "mqueue", strict),
            mount("/sys", "sysfs", "sysfs", strict + ["ro"]),
            mount("/sys/fs/cgroup", "cgroup", "cgroup", strict + ["relatime", "ro"]),
        ]
    }
}

extension Invocation {
    func writeSpecification(_ arguments: Arguments) throws(OCIRuntimeError) -> Int32 {
        let path = (arguments["bundle"] ?? ".") + "/config.json"
        guard access(path, F_OK) != 0 else { throw .usage("\(path) exists; remove it first") }
        let bytes = SampleSpecification.json(isRootless: arguments.has("rootless")).encoded(isPretty: true)
        try kernel { () throws(KernelError) in
            try WholeFile.replace(path, with: bytes, mode: 0o644, durable: false)
        }
        return 0
    }
}
