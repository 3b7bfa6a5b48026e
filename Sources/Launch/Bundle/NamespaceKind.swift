/// A kind of namespace; the raw value is the kernel's CLONE_NEW*.
package enum NamespaceKind: UInt32, Sendable, CaseIterable {
    case time = 0x80
    case mount = 0x2_0000
    case cgroup = 0x200_0000
    case uts = 0x400_0000
    case ipc = 0x800_0000
    case user = 0x1000_0000
    case pid = 0x2000_0000
    case network = 0x4000_0000

    /// By the runtime specification's word.
    package init?(name: String) {
        guard let kind = NamespaceKind.allCases.first(where: { $0.name == name }) else { return nil }
        self = kind
    }

    package var name: String {
        switch self {
        case .time: "time"
        case .mount: "mount"
        case .cgroup: "cgroup"
        case .uts: "uts"
        case .ipc: "ipc"
        case .user: "user"
        case .pid: "pid"
        case .network: "network"
        }
    }
}
