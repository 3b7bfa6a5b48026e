import Glibc
import JSONTree
import Linux
import PodNetwork

/// What this machine has of what a node needs: the lines of `swiftlet check`. Needs no daemon.
package struct HostCheck: Sendable {
    struct Line: Sendable, Hashable {
        enum State: String, Sendable { case ok, missing, warning }

        var state: State
        var name: String
        /// `required`, `recommended` or `optional`.
        var importance: String
        /// What follows where it is not as it should be.
        var consequence: String
    }

    let lines: [Line]

    /// Whether nothing that is required is missing.
    package var isUsable: Bool {
        !lines.contains { $0.state == .missing && $0.importance == KernelFeature.Importance.required.rawValue }
    }

    /// Looks at the machine; some milliseconds of system calls.
    package static func run(_ configuration: DaemonConfiguration) -> HostCheck {
        let server = (try? ServerAddress(configuration.serverURL))?.host
        let address = nodeAddress(
            ResolvedNode.address(configuration, towards: server), in: "\(configuration.configDirectory)/config.yaml")
        return HostCheck(
            lines: KernelFeature.all().map(line) + [cgroupMode()] + firewalls(configuration) + [forwarding(), address])
    }

    package var text: String {
        var table = TextTable(["STATE", "WHAT", "IMPORTANCE", "WHAT FOLLOWS"])
        for line in lines {
            table.add([line.state.rawValue, line.name, line.importance, line.state == .ok ? "" : line.consequence])
        }
        let verdict =
            isUsable ? "this machine can be a node" : "this machine cannot be a node: something required is missing"
        return table.text + "\n" + verdict + "\n"
    }

    package var json: JSONValue {
        [
            "usable": .bool(isUsable),
            "checks": .array(
                lines.map {
                    [
                        "state": .string($0.state.rawValue), "name": .string($0.name),
                        "importance": .string($0.importance), "consequence": .string($0.consequence),
                    ]
                }),
        ]
    }

    private static func line(_ feature: KernelFeature) -> Line {
        Line(
            state: feature.isPresent ? .ok : .missing, name: feature.name, importance: feature.importance.rawValue,
            consequence: feature.consequence)
    }

    // MARK: - cgroups

    private static func cgroupMode() -> Line {
        guard let text = try? readText("/proc/self/mountinfo") else {
            return Line(
                state: .warning, name: "cgroup mode", importance: "recommended",
                consequence: "/proc/self/mountinfo cannot be read")
        }
        return mode(unified: CgroupHierarchy.mountPoint(in: text), legacy: legacyControllers(in: text))
    }

    /// - Parameter legacy: what is mounted as cgroup v1.
    static func mode(unified: String?, legacy: [String]) -> Line {
        guard let unified else {
            return Line(
                state: .missing, name: "cgroup mode: no unified hierarchy", importance: "required",
                consequence:
                    "no container can be started: mount cgroup2, or boot with systemd.unified_cgroup_hierarchy=1")
        }
        guard !legacy.isEmpty else {
            return Line(
                state: .ok, name: "cgroup mode: unified at \(unified)", importance: "recommended", consequence: "")
        }
        return Line(
            state: .warning, name: "cgroup mode: hybrid, unified at \(unified)", importance: "recommended",
            consequence: "limits by the controllers on v1 (\(legacy.joined(separator: ", "))) are not held; boot with "
                + "systemd.unified_cgroup_hierarchy=1 to hold them")
    }

    /// The controllers of all cgroup v1 mounts in a mountinfo text, by name.
    static func legacyControllers(in mountInfo: String) -> [String] {
        let known: Set = [
            "cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "net_cls", "blkio", "perf_event", "net_prio",
            "hugetlb", "pids", "rdma", "misc",
        ]
        var found: Set<String> = []
        for line in mountInfo.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), fields.count > dash + 3, fields[dash + 1] == "cgroup" else {
                continue
            }
            found.formUnion(fields[dash + 3].split(separator: ",").map(String.init).filter(known.contains))
        }
        return found.sorted()
    }

    // MARK: - The network

    /// Firewalls that drop what passes through this host: Docker's and ufw's among them.
    private static func firewalls(_ configuration: DaemonConfiguration) -> [Line] {
        // Before the first start there is no id yet; the links' names then begin with sw- and the id to come.
        let id = (try? InstanceFiles.existingID(configuration)).flatMap { $0 } ?? "id"
        var lines: [Line] = []
        do throws(PodNetworkError) {
            if let instance = InstanceName(id) {
                lines = try PodNetwork.obstacles(instance: instance).map { warning("firewall of others", $0) }
            }
        } catch {
            lines = [warning("nftables", "the rules cannot be read: \(error)")]
        }
        if let line = legacyFirewall(drops: LegacyFilter.dropsForwarded()) { lines.append(line) }
        let clean = Line(
            state: .ok, name: "no firewall drops forwarded packets", importance: "recommended", consequence: "")
        return lines.isEmpty ? [clean] : lines
    }

    /// - Parameter drops: what the policy of its FORWARD chain does with what no rule accepts; nil where it is not in use.
    static func legacyFirewall(drops: Bool?) -> Line? {
        drops == true
            ? warning(
                "firewall of others",
                "iptables (legacy) drops forwarded packets by default: accept those from and to links \"sw-*\" in its "
                    + "chain FORWARD (iptables-legacy -I FORWARD -i sw-+ -j ACCEPT, and the same with -o)") : nil
    }

    private static func forwarding() -> Line {
        let isOn = (try? readText("/proc/sys/net/ipv4/ip_forward"))?.hasPrefix("1") ?? false
        return Line(
            state: .ok, name: isOn ? "IPv4 forwarding is on" : "IPv4 forwarding is off: the daemon turns it on",
            importance: "recommended", consequence: "")
    }

    /// - Parameters:
    ///   - address: nil where the daemon has to guess.
    ///   - file: where it can be set.
    static func nodeAddress(_ address: String?, in file: String) -> Line {
        guard let address else {
            return warning(
                "no address of this node for others",
                "no default route says which one is meant, so it is 127.0.0.1: pods cannot reach the Service kubernetes, nor "
                    + "other machines this node; set node-address in \(file)")
        }
        return Line(state: .ok, name: "node address: \(address)", importance: "recommended", consequence: "")
    }

    private static func warning(_ name: String, _ consequence: String) -> Line {
        Line(state: .warning, name: name, importance: "recommended", consequence: consequence)
    }
}
