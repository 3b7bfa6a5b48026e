import CRI
import Glibc
import Launch
import Linux
import PodNetwork

/// A port of this machine that a session wants. The kernel would lead it to the container whoever has it already, so that this is asked before.
struct PortClaim: Sendable {
    let port: HostPort

    /// Who has it.
    enum Holder: Hashable, Sendable {
        case container(PodSandboxMetadata, isSession: Bool)
        /// By `namespace/name`.
        case service(String)
        case process
        /// Nobody, and still it cannot be bound.
        case nobody(code: Int32)
    }

    /// What a session is refused with.
    func refusal(_ holder: Holder) -> CRIError {
        let name = "port \(port.port)/\(port.transport) of this machine"
        return switch holder {
        case .container(let metadata, isSession: true):
            .invalid("\(name) is published by container \(metadata.name) already; choose another")
        case .container(let metadata, isSession: false):
            .invalid("\(name) is published by pod \(metadata.namespace)/\(metadata.name) already; choose another")
        case .service(let service): .invalid("\(name) is the node port of service \(service); choose another")
        case .process: .invalid("\(name) is in use by another process; choose another")
        case .nobody(EADDRNOTAVAIL):
            .invalid(
                "\(name) cannot be published on \(port.address.map(\.description) ?? "*"): no interface has this address"
            )
        case .nobody(let code): .failed("\(name) cannot be bound: \(KernelError.text(of: code))")
        }
    }

    /// Which process's it is, as the kernel has it in the calling thread's network namespace: bound for a moment, as a server would, and let go.
    /// Nil where it is free, and for SCTP, which the kernel need not have.
    func process() -> Holder? {
        guard port.transport != .sctp else { return nil }
        let isStream = port.transport == .tcp
        let type = Int32((isStream ? SOCK_STREAM : SOCK_DGRAM).rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_INET, type, 0)
        guard descriptor >= 0 else { return .nobody(code: errno) }
        defer { close(descriptor) }
        // What waits for late packets of former connections is no hindrance. With UDP the same option would share the port.
        var yes: Int32 = 1
        if isStream { setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size)) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.port.bigEndian
        address.sin_addr.s_addr = (port.address?.value ?? 0).bigEndian
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if status == 0 && (!isStream || listen(descriptor, 1) == 0) { return nil }
        return errno == EADDRINUSE ? .process : .nobody(code: errno)
    }
}
