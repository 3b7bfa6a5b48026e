import APIMachinery
import CRI
import Glibc
import Kubelet
import Linux

/// What this machine is, read from the kernel.
enum Machine {
    static var hostname: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.lowercased()
    }

    static var bootID: String { readLine("/proc/sys/kernel/random/boot_id") ?? "" }

    static var memoryBytes: Int64 {
        Int64(sysconf(Int32(_SC_PHYS_PAGES))) * Int64(sysconf(Int32(_SC_PAGESIZE)))
    }

    static func facts(_ configuration: DaemonConfiguration, version: String) -> NodeFacts {
        var names = utsname()
        uname(&names)
        return NodeFacts(
            cpuMilli: Int64(sysconf(Int32(_SC_NPROCESSORS_ONLN))) * 1000, memoryBytes: memoryBytes,
            diskBytes: diskBytes(under: configuration.dataDirectory),
            maximumPods: Int64(configuration.maximumPods), architecture: architecture(text(of: names.machine)),
            kernelVersion: text(of: names.release), operatingSystem: operatingSystem, bootID: bootID,
            machineID: readLine("/etc/machine-id") ?? "", runtimeVersion: "swiftlet://\(version)",
            kubeletVersion: "v1.36.0+swiftlet-\(version)", hostname: hostname, reserved: reserved(configuration))
    }

    /// The size of the filesystem that a directory is on, or will be; 0 where that is not known.
    private static func diskBytes(under path: String) -> Int64 {
        var disk = statvfs()
        guard statvfs(path, &disk) != 0 else {
            return Int64(clamping: UInt64(disk.f_blocks) &* UInt64(disk.f_frsize))
        }
        let code = errno
        let parent = path.split(separator: "/").dropLast().map { "/" + $0 }.joined()
        return code == ENOENT && path != "/" ? diskBytes(under: parent.isEmpty ? "/" : parent) : 0
    }

    private static func reserved(_ configuration: DaemonConfiguration) -> ReservedResources {
        var reserved = ReservedResources()
        // Both were found to be well formed when they were set.
        for text in [configuration.kubeReserved, configuration.systemReserved] { _ = reserved.add(text) }
        return reserved
    }

    /// The most processes and threads that the kernel allows at one time.
    static var processes: Int64 {
        let limits = ["/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max"].compactMap { readLine($0) }
        return limits.compactMap { Int64($0) }.min() ?? 32_768
    }

    /// The most processes in one pod.
    static func processesPerPod(_ configuration: DaemonConfiguration) -> Int64 {
        let set = Int64(configuration.processesPerPod)
        return set > 0 ? set : min(4_096, max(256, processes / 8))
    }

    /// What all pods together are held to: the node's allocatable. A twentieth of the kernel's processes stays with the system at least.
    static func podResources(_ facts: NodeFacts) -> ContainerResources {
        var resources = ContainerResources()
        resources.memoryLimit = facts.allocatableMemory
        resources.cpuRequest = facts.reserved.rest(of: facts.cpuMilli, facts.reserved.cpuMilli)
        resources.processLimit = facts.reserved.rest(of: processes, max(facts.reserved.processes, processes / 20))
        return resources
    }

    /// The address that this machine's packets to `destination` leave with; nil where no route leads there, or it is no address. No packet is sent: a
    /// datagram socket that is connected only looks the route up.
    /// - Parameter destination: TEST-NET-3 (RFC 5737) where none is given: nobody is there, and only the default route leads to it.
    static func routedAddress(to destination: String = "203.0.113.1") -> String? {
        let type = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
        let socket = Glibc.socket(AF_INET, type, 0)
        guard socket >= 0 else { return nil }
        defer { close(socket) }
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = in_port_t(9).bigEndian
        guard inet_pton(AF_INET, destination, &target.sin_addr) == 1 else { return nil }
        var own = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isConnected = withUnsafePointer(to: &target) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, length) == 0 }
        }
        guard isConnected else { return nil }
        let hasName = withUnsafeMutablePointer(to: &own) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) == 0 }
        }
        guard hasName else { return nil }
        return text(of: own.sin_addr)
    }

    /// Of all interfaces that are up, IPv4 alone.
    static var addresses: [String] {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return [] }
        defer { freeifaddrs(first) }
        var found: [String] = []
        var next = first
        while let entry = next?.pointee {
            next = entry.ifa_next
            guard entry.ifa_flags & UInt32(IFF_UP) != 0, let address = entry.ifa_addr,
                address.pointee.sa_family == sa_family_t(AF_INET)
            else { continue }
            found.append(address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { text(of: $0.pointee.sin_addr) })
        }
        return found
    }

    private static var operatingSystem: String {
        let lines = read("/etc/os-release")?.split(separator: "\n") ?? []
        let line = lines.first { $0.hasPrefix("PRETTY_NAME=") }
        return line.map { String($0.dropFirst("PRETTY_NAME=".count).filter { $0 != "\"" }) } ?? "Linux"
    }

    /// Kubernetes' names for architectures, which are Go's.
    private static func architecture(_ machine: String) -> String {
        switch machine {
        case "x86_64": "amd64"
        case "aarch64": "arm64"
        default: machine
        }
    }

    private static func text(of address: in_addr) -> String {
        IPv4Address(UInt32(bigEndian: address.s_addr)).description
    }

    private static func text<Tuple>(of tuple: Tuple) -> String {
        withUnsafeBytes(of: tuple) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    static func readLine(_ path: String) -> String? {
        read(path)?.split(separator: "\n").first.map(String.init)
    }

    /// A small file's text, at most 64 KiB; nil where it cannot be read.
    static func read(_ path: String) -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = fread(&buffer, 1, buffer.count, file)
        return String(decoding: buffer[..<count], as: UTF8.self)
    }
}
