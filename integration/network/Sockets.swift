import Glibc
import Linux

/// Runs `body` in a named network namespace, on the calling thread.
func inside<T>(_ namespace: String, _ body: () -> T) throws -> T {
    try NetworkNamespace(path: "/run/netns/\(namespace)").enter { () throws(NetlinkError) in body() }
}

private func socketAddress(_ address: IPv4Address, _ port: UInt16) -> sockaddr_in {
    var result = sockaddr_in()
    result.sin_family = sa_family_t(AF_INET)
    result.sin_port = port.bigEndian
    result.sin_addr.s_addr = address.value.bigEndian
    return result
}

private func withAddress<T>(
    _ address: IPv4Address, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> T
) -> T {
    var value = socketAddress(address, port)
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    return withUnsafePointer(to: &value) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, size) } }
}

/// A server that answers every connection with its name and the address it sees, until the process ends.
func serve(_ name: String, in namespace: String, port: UInt16, udp: Bool = false) throws {
    let listener = try inside(namespace) { () -> CInt in
        let kind = udp ? SOCK_DGRAM : SOCK_STREAM
        let descriptor = socket(AF_INET, CInt(kind.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var yes: CInt = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        let bound = withAddress(IPv4Address(0), port) { bind(descriptor, $0, $1) }
        return bound == 0 && (udp || listen(descriptor, 64) == 0) ? descriptor : -1
    }
    guard listener >= 0 else { throw Failure("cannot listen on \(port) in \(namespace)") }
    let start = Unmanaged.passRetained(Server(name: name, descriptor: listener, udp: udp))
    var thread = pthread_t()
    pthread_create(
        &thread, nil,
        { argument in
            argument.map { Unmanaged<Server>.fromOpaque($0).takeRetainedValue().run() }
            return nil
        }, start.toOpaque())
    pthread_detach(thread)
}

private final class Server {
    let name: String
    let descriptor: CInt
    let udp: Bool

    init(name: String, descriptor: CInt, udp: Bool) {
        self.name = name
        self.descriptor = descriptor
        self.udp = udp
    }

    func run() {
        while true {
            var peer = sockaddr_in()
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            withUnsafeMutablePointer(to: &peer) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { peer in
                    udp ? answerDatagram(peer, &size) : answerConnection(peer, &size)
                }
            }
        }
    }

    private func text(_ peer: UnsafeMutablePointer<sockaddr>) -> [UInt8] {
        let address = peer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { $0.pointee.sin_addr.s_addr }
        return Array("\(name) \(IPv4Address(UInt32(bigEndian: address)))".utf8)
    }

    private func answerConnection(_ peer: UnsafeMutablePointer<sockaddr>, _ size: inout socklen_t) {
        let connection = accept(descriptor, peer, &size)
        guard connection >= 0 else { return }
        let answer = text(peer)
        _ = write(connection, answer, answer.count)
        close(connection)
    }

    private func answerDatagram(_ peer: UnsafeMutablePointer<sockaddr>, _ size: inout socklen_t) {
        var byte: UInt8 = 0
        guard recvfrom(descriptor, &byte, 1, 0, peer, &size) >= 0 else { return }
        let answer = text(peer)
        _ = sendto(descriptor, answer, answer.count, 0, peer, size)
    }
}

/// A datagram socket that stays open, as a client that keeps its port.
struct DatagramClient {
    let descriptor: CInt

    init(from namespace: String, to address: IPv4Address, _ port: UInt16) throws {
        descriptor = try inside(namespace) {
            let descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
            _ = withAddress(address, port) { connect(descriptor, $0, $1) }
            return descriptor
        }
        limitTime(descriptor)
    }

    /// The answer's bytes; none after ten seconds.
    func exchange(_ bytes: [UInt8]) -> [UInt8] {
        guard send(descriptor, bytes, bytes.count, 0) == bytes.count else { return [] }
        var answer = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &answer, answer.count, 0)
        return Array(answer.prefix(max(count, 0)))
    }

    func ask() -> String {
        guard send(descriptor, "?", 1, 0) == 1 else { return "error \(errno)" }
        return receive(descriptor)
    }
}

/// - Parameter seconds: long where something is to come, which may take a while where all processors are busy.
private func limitTime(_ descriptor: CInt, seconds: Int = 10) {
    var limit = timeval(tv_sec: seconds, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
        setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
}

private func receive(_ descriptor: CInt) -> String {
    var bytes = [UInt8](repeating: 0, count: 512)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    if count < 0 { return errno == EAGAIN ? "timeout" : (errno == ECONNREFUSED ? "refused" : "error \(errno)") }
    return String(decoding: bytes.prefix(count), as: UTF8.self)
}

/// Connects from a namespace and reads what the server says: "NAME PEER", "refused", "timeout" or "error N".
func ask(from namespace: String, _ address: IPv4Address, _ port: UInt16) throws -> String {
    try inside(namespace) {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        limitTime(descriptor)
        let code = withAddress(address, port) { connect(descriptor, $0, $1) == 0 ? 0 : errno }
        switch code {
        case 0: return receive(descriptor)
        case ECONNREFUSED: return "refused"
        case EINPROGRESS, EAGAIN, ETIMEDOUT: return "timeout"
        default: return "error \(code)"
        }
    }
}

/// The errno of connecting with a given source address; 0 when it connects.
func connectFrom(_ source: IPv4Address, to address: IPv4Address, _ port: UInt16) -> CInt {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    limitTime(descriptor, seconds: 1)
    guard withAddress(source, 0, { bind(descriptor, $0, $1) }) == 0 else { return errno }
    return withAddress(address, port) { connect(descriptor, $0, $1) == 0 ? 0 : errno }
}
