import CRI
import Glibc
import Linux

/// A connection to a port on a pod's loopback, made in the pod's network namespace and used from anywhere.
final class PortForward: ContainerStreams {
    /// The socket twice, because each serves one that waits.
    private let reader: DescriptorStream
    private let writer: DescriptorStream

    private init(reader: DescriptorStream, writer: DescriptorStream) {
        self.reader = reader
        self.writer = writer
    }

    /// Blocks, at most 5 s. IPv4's loopback first, then IPv6's.
    /// - Parameter namespace: nil: the host's own.
    static func connect(
        port: UInt16, namespace: Int32?, events: EventThread
    ) throws(CRIError) -> PortForward {
        do {
            let socket = Descriptor(owning: try connected(port, namespace))
            let duplicate = try socket.duplicate()
            return PortForward(
                reader: DescriptorStream(socket, events: events), writer: DescriptorStream(duplicate, events: events))
        } catch {
            throw .failed("port \(port): \(error)")
        }
    }

    private static func connected(_ port: UInt16, _ namespace: Int32?) throws -> Int32 {
        guard let namespace else { return try loopback(port).release() }
        let entered = try NetworkNamespace(path: "/proc/self/fd/\(namespace)")
        let outcome = try entered.enter { () throws(NetlinkError) in
            Result { () throws(KernelError) in try loopback(port).release() }
        }
        return try outcome.get()
    }

    private static func loopback(_ port: UInt16) throws(KernelError) -> Descriptor {
        do throws(KernelError) {
            return try connectIPv4(port)
        } catch  where error.code == ECONNREFUSED {
            do throws(KernelError) { return try connectIPv6(port) } catch {
                throw KernelError("connect", "127.0.0.1:\(port)", ECONNREFUSED)
            }
        }
    }

    private static func open(_ family: Int32) throws(KernelError) -> Descriptor {
        let raw = Glibc.socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { throw KernelError("socket", "loopback") }
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(raw, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        return Descriptor(owning: raw)
    }

    private static func connectIPv4(_ port: UInt16) throws(KernelError) -> Descriptor {
        let socket = try open(AF_INET)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        try connect(socket, &address, "127.0.0.1:\(port)")
        return socket
    }

    private static func connectIPv6(_ port: UInt16) throws(KernelError) -> Descriptor {
        let socket = try open(AF_INET6)
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        address.sin6_addr = in6addr_loopback
        try connect(socket, &address, "[::1]:\(port)")
        return socket
    }

    private static func connect<Address>(
        _ socket: borrowing Descriptor, _ address: inout Address, _ name: String
    ) throws(KernelError) {
        let raw = socket.raw
        let code = withUnsafeBytes(of: &address) { bytes -> Int32 in
            guard let base = bytes.baseAddress else { return -1 }
            return Glibc.connect(raw, base.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
        guard code == 0 else { throw KernelError("connect", name) }
    }

    func receive() async throws(CRIError) -> StreamChunk? {
        do throws(KernelError) {
            let bytes = try await reader.read()
            return bytes.isEmpty ? nil : .standardOutput(bytes)
        } catch  where error.code == EBADF || error.code == ECONNRESET || error.code == ECANCELED {
            return nil
        } catch {
            throw .failed("forwarded port: \(error)")
        }
    }

    func writeStandardInput(_ bytes: [UInt8]) async throws(CRIError) {
        do throws(KernelError) {
            try await writer.write(bytes)
        } catch {
            throw .failed("forwarded port: \(error)")
        }
    }

    /// Tells the other side that no more will come; what it sends still arrives.
    func closeStandardInput() async {
        writer.finishWriting()
    }

    func resize(_ size: CRI.TerminalSize) async {}

    func exitCode() async throws(CRIError) -> Int32 { 0 }

    func close() async {
        reader.close()
        writer.close()
    }
}
