import Glibc
import NIOCore
import NIOPosix

/// Opens listening sockets.
struct ListenerBinder {
    let threads: IOThreads
    let pipeline: ConnectionPipeline
    let tls: TLSState

    /// The listener and its address with the port that the kernel chose.
    func bind(_ address: ListenAddress) async throws(TransportError) -> (any Channel, ListenAddress) {
        switch address {
        case .tls(let host, let port):
            guard tls.current != nil else {
                throw .listenFailed(address: address.description, reason: "no certificate is configured")
            }
            let (pipeline, tls) = (pipeline, tls)
            let listener = try await bindTCP(address, host, port) { channel in
                guard let context = tls.current else { return channel.close() }
                return pipeline.configureTLS(channel, context: context)
            }
            return (listener, .tls(host: host, port: listener.localAddress?.port ?? port))
        case .plain(let host, let port):
            let pipeline = pipeline
            let listener = try await bindTCP(address, host, port) { pipeline.configurePlain($0) }
            return (listener, .plain(host: host, port: listener.localAddress?.port ?? port))
        case .unix(let path, let mode):
            let pipeline = pipeline
            return (try await bindUnix(path, mode: mode, address) { pipeline.configureUnix($0) }, address)
        case .unixHTTP2(let path, let mode):
            let pipeline = pipeline
            return (try await bindUnix(path, mode: mode, address) { pipeline.configureUnixHTTP2($0) }, address)
        }
    }

    private var bootstrap: ServerBootstrap {
        ServerBootstrap(group: threads.group)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 4)
    }

    private func bindTCP(
        _ address: ListenAddress, _ host: String, _ port: Int,
        _ initialize: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) async throws(TransportError) -> any Channel {
        do {
            return
                try await bootstrap
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelOption(.socketOption(.so_keepalive), value: 1)
                .childChannelInitializer(initialize)
                .bind(to: SocketAddress(ipAddress: host, port: port)).get()
        } catch {
            throw Self.failure(error, address)
        }
    }

    /// Binds beside `path` and renames, so that the socket never shows with a wider mode and a stale one is replaced.
    private func bindUnix(
        _ path: String, mode: UInt32, _ address: ListenAddress,
        _ initialize: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) async throws(TransportError) -> any Channel {
        let temporary = path + ".new"
        guard !Self.isServed(path) else { throw .addressInUse(address.description) }
        unlink(temporary)
        let listener: any Channel
        do {
            listener =
                try await bootstrap
                .childChannelInitializer(initialize)
                .bind(to: SocketAddress(unixDomainSocketPath: temporary)).get()
        } catch {
            throw Self.failure(error, address)
        }
        guard chmod(temporary, mode_t(mode)) == 0, rename(temporary, path) == 0 else {
            let cause = errno
            try? await listener.close()
            unlink(temporary)
            throw .listenFailed(address: address.description, reason: systemText(cause))
        }
        return listener
    }

    static func removeSocket(_ path: String) {
        unlink(path)
    }

    /// Whether somebody accepts connections on the socket at `path`.
    private static func isServed(_ path: String) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { buffer in
            guard path.utf8.count < buffer.count else { return false }
            buffer.copyBytes(from: path.utf8)
            return true
        }
        guard fits else { return false }
        let descriptor = socket(
            AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { Glibc.close(descriptor) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        // A full backlog (EAGAIN) is somebody too.
        return result == 0 || errno == EAGAIN
    }

    private static func failure(_ error: any Error, _ address: ListenAddress) -> TransportError {
        guard let system = error as? IOError else {
            return .listenFailed(address: address.description, reason: "\(error)")
        }
        if system.errnoCode == EADDRINUSE { return .addressInUse(address.description) }
        return .listenFailed(address: address.description, reason: systemText(system.errnoCode))
    }
}
