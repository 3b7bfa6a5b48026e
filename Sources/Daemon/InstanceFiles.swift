import Glibc
import Linux
import PKI

/// The directories of one instance, its lock and its short id.
struct InstanceFiles: Sendable {
    /// Six letters and digits that are in the name of everything this instance makes on the host.
    let id: String
    private let lock: SharedDescriptor

    /// What the daemon of an instance is. It stays the same for the instance's life.
    enum Role: String, Sendable {
        case server
        case agent
        /// The runtime alone.
        case cri

        /// What in the data directory only this role makes.
        var trace: String {
            switch self {
            case .server: "store"
            case .agent: "agent/client.crt"
            case .cri: "cri"
            }
        }
    }

    /// Makes the directories, takes the lock and reads the id, which is made at the first start.
    /// - Throws: also where the directories are those of an instance of the other role.
    static func open(_ configuration: DaemonConfiguration, role: Role) throws(DaemonError) -> InstanceFiles {
        guard geteuid() == 0 else {
            throw DaemonError(
                "swiftlet \(role.rawValue) must run as root: it makes namespaces, cgroups and network links; try sudo")
        }
        for other in [Role.server, .agent, .cri] where other != role {
            guard access("\(configuration.dataDirectory)/\(other.trace)", F_OK) == 0 else { continue }
            throw DaemonError(
                "\(configuration.dataDirectory) is of a swiftlet \(other.rawValue); remove that with `swiftlet uninstall`, "
                    + "or give this one its own --run-dir, --data-dir and --config-dir")
        }
        let directories: [(String, mode_t)] = [
            (configuration.dataDirectory, 0o711), (configuration.runDirectory, 0o711),
            (configuration.configDirectory, 0o755), (configuration.logDirectory, 0o755),
            (configuration.manifests, 0o755),
        ]
        for (path, mode) in directories { try makeDirectory(path, mode: mode) }
        if role == .cri { try makeDirectory("\(configuration.dataDirectory)/\(role.trace)", mode: 0o700) }
        // Pods' secrets and tokens are readable by any user in the containers, and so by none on the node.
        for parent in [configuration.dataDirectory, configuration.runDirectory] {
            let path = "\(parent)/kubelet"
            try makeDirectory(path, mode: 0o700)
            guard chmod(path, 0o700) == 0 else {
                throw DaemonError("cannot close the directory \(path) to others: \(String(cString: strerror(errno)))")
            }
        }
        let lock = try takeLock(configuration)
        let data = configuration.dataDirectory
        for path in [data, "\(data)/kubelet", TimelineDirectory(configuration).path] {
            try DaemonError.wrapping("what was left half-written") { () throws(KernelError) in
                try WholeFile.removeAbandoned(in: path)
            }
        }
        try DaemonError.wrapping("log directories") { () throws(KernelError) in try LogDirectories.note(configuration) }
        return InstanceFiles(id: try readID(configuration), lock: SharedDescriptor(lock))
    }

    /// The id of the instance in these directories, nil where none was ever started.
    package static func existingID(_ configuration: DaemonConfiguration) throws(DaemonError) -> String? {
        try DaemonError.wrapping("instance id") { () throws(PKIError) in
            try readFile("\(configuration.dataDirectory)/instance")?.split(separator: "\n").first.map(String.init)
        }
    }

    /// The process that holds the lock; nil where no daemon runs. Takes the lock for a moment, so only root can ask.
    static func runningDaemon(_ configuration: DaemonConfiguration) -> String? {
        let path = "\(configuration.runDirectory)/server.pid"
        let raw = Glibc.open(path, O_RDWR | O_CLOEXEC)
        guard raw >= 0 else { return nil }
        let file = Descriptor(owning: raw)
        guard flock(file.raw, LOCK_EX | LOCK_NB) != 0 else { return nil }
        return Machine.readLine(path) ?? "?"
    }

    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789")
    private static let idLength = 6

    /// Whether an instance's own cgroup may be called this.
    static func isGroup(_ name: some StringProtocol) -> Bool {
        let id = name.dropFirst("swiftlet-".count)
        return name.hasPrefix("swiftlet-") && id.count == idLength && id.allSatisfy(alphabet.contains)
    }

    private static func readID(_ configuration: DaemonConfiguration) throws(DaemonError) -> String {
        if let id = try existingID(configuration) { return id }
        let id = String((0..<idLength).map { _ in alphabet[Int.random(in: 0..<alphabet.count)] })
        try DaemonError.wrapping("instance id") { () throws(PKIError) in
            try replaceFile("\(configuration.dataDirectory)/instance", with: id + "\n", mode: 0o644)
        }
        return id
    }

    /// Held as long as the process lives; its file also says which process that is.
    private static func takeLock(_ configuration: DaemonConfiguration) throws(DaemonError) -> Descriptor {
        let path = "\(configuration.runDirectory)/server.pid"
        // Whoever may open it can hold the lock, and with it the daemon back.
        let raw = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard raw >= 0 else { throw DaemonError("\(path): \(String(cString: strerror(errno)))") }
        let file = Descriptor(owning: raw)
        guard fchmod(raw, 0o600) == 0 else { throw DaemonError("\(path): \(String(cString: strerror(errno)))") }
        guard flock(file.raw, LOCK_EX | LOCK_NB) == 0 else {
            let holder = Machine.readLine(path) ?? "?"
            throw DaemonError(
                "another swiftlet (process \(holder)) uses \(configuration.runDirectory); stop it, "
                    + "or give this one its own --run-dir, --data-dir and --config-dir")
        }
        let text = Array("\(getpid())\n".utf8)
        guard ftruncate(file.raw, 0) == 0, write(file.raw, text, text.count) == text.count else {
            throw DaemonError("\(path): \(String(cString: strerror(errno)))")
        }
        return file
    }

    private static func makeDirectory(_ path: String, mode: mode_t) throws(DaemonError) {
        var partial = ""
        for part in path.split(separator: "/") {
            partial += "/\(part)"
            guard mkdir(partial, partial == path ? mode : 0o755) == 0 || errno == EEXIST else {
                throw DaemonError("cannot make the directory \(partial): \(String(cString: strerror(errno)))")
            }
        }
    }
}
