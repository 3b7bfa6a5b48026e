import Glibc
import Linux

/// The addresses in use, on disk: one file an address, named for it, holding the sandbox's id and a line for each port of the node that leads to
/// it.
///
/// A file appears whole (written aside, then renamed) before the address is used and goes after it no longer is, so a
/// crash leaves at most an address without a pod, which `collect` frees. Nothing is synchronised to disk: a machine that
/// lost its power lost its pods too.
struct AddressDirectory {
    let path: String
    private static let temporary = ".new"
    private static let network = "pod-network"
    /// Largest file; a port of the node takes at most 40 bytes of it.
    private static let fileBytes = 64 << 10

    struct Held {
        let sandbox: String
        let address: IPv4Address
        var ports: [HostPort] = []
    }

    init(path: String) throws(PodNetworkError) {
        self.path = path
        try Self.makeDirectories(path)
    }

    /// What is held, by address. Files with other names, and the rest of an interrupted write, are ignored.
    func load() throws(PodNetworkError) -> [Held] {
        guard let directory = opendir(path) else { throw .state(operation: "open", path: path, code: errno) }
        defer { closedir(directory) }
        var held: [Held] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let address = IPv4Address(name) else { continue }
            let lines = try read("\(path)/\(name)").split(separator: "\n").map(String.init)
            guard let sandbox = lines.first else { continue }
            held.append(Held(sandbox: sandbox, address: address, ports: lines.dropFirst().compactMap(HostPort.init)))
        }
        return held
    }

    func write(_ held: Held) throws(PodNetworkError) {
        try writeFile(
            named: "\(held.address)", ([held.sandbox] + held.ports.map(\.description)).joined(separator: "\n"))
    }

    /// Nothing happens where there is no such file.
    func remove(_ address: IPv4Address) throws(PodNetworkError) {
        try removeFile(named: "\(address)")
    }

    /// The network that the addresses were given out of; nil where none was written.
    func podNetwork() throws(PodNetworkError) -> IPv4Network? {
        try readFile(named: Self.network).flatMap { IPv4Network($0) }
    }

    func write(podNetwork: IPv4Network) throws(PodNetworkError) {
        try writeFile(named: Self.network, "\(podNetwork)")
    }

    /// Forgets all addresses, and the network that they were given out of.
    func clear() throws(PodNetworkError) {
        for held in try load() { try remove(held.address) }
        try removeFile(named: Self.network)
    }

    /// A file beside the addresses, such as a setting to restore.
    func writeFile(named name: String, _ text: String) throws(PodNetworkError) {
        let aside = "\(path)/\(Self.temporary)"
        let descriptor = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .state(operation: "create", path: aside, code: errno) }
        let bytes = Array(text.utf8)
        let count = Glibc.write(descriptor, bytes, bytes.count)
        let code = count == bytes.count ? 0 : (count < 0 ? errno : ENOSPC)
        close(descriptor)
        guard code == 0 else { throw .state(operation: "write", path: aside, code: code) }
        let target = "\(path)/\(name)"
        guard rename(aside, target) == 0 else { throw .state(operation: "rename to", path: target, code: errno) }
    }

    /// The text of a file of `writeFile`; nil where there is none.
    func readFile(named name: String) throws(PodNetworkError) -> String? {
        guard access("\(path)/\(name)", F_OK) == 0 else { return nil }
        return try read("\(path)/\(name)")
    }

    func removeFile(named name: String) throws(PodNetworkError) {
        let file = "\(path)/\(name)"
        guard unlink(file) == 0 || errno == ENOENT else { throw .state(operation: "remove", path: file, code: errno) }
    }

    private func read(_ file: String) throws(PodNetworkError) -> String {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .state(operation: "open", path: file, code: errno) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: Self.fileBytes)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw .state(operation: "read", path: file, code: errno) }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    private static func makeDirectories(_ path: String) throws(PodNetworkError) {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/" + part
            guard mkdir(made, 0o700) == 0 || errno == EEXIST else {
                throw .state(operation: "make directory", path: made, code: errno)
            }
        }
    }
}
