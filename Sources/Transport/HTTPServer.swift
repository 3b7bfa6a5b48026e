import HTTP
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// Serves an `HTTPHandler` on TLS and unix sockets, HTTP/2 and HTTP/1.1 alike.
///
/// Each request gets a task; it is cancelled when its client goes away. What clients may ask is bounded by `ServerLimits`.
package final class HTTPServer: Sendable {
    /// Where it listens, with the ports that the kernel chose, in the order asked for.
    package let addresses: [ListenAddress]

    private let listeners: [any Channel]
    private let connections: ServerConnections
    private let service: RequestService
    private let currentTLS: TLSState

    private init(
        addresses: [ListenAddress], listeners: [any Channel], pipeline: ConnectionPipeline, tls: TLSState
    ) {
        self.addresses = addresses
        self.listeners = listeners
        connections = pipeline.connections
        service = pipeline.service
        currentTLS = tls
    }

    /// Listens on all `addresses` and serves; on failure of one, none stays open.
    /// - Parameters:
    ///   - tls: needed where an address is `.tls`.
    ///   - refusal: the answer to a request that is refused before the handler sees it, too large for instance.
    /// - Throws: `addressInUse` and `listenFailed` name the address; `tls` names what is wrong with the certificate.
    package static func start(
        on addresses: [ListenAddress], tls: ServerTLS? = nil, limits: ServerLimits = ServerLimits(),
        threads: IOThreads, logger: Logger, handler: any HTTPHandler,
        refusal: @escaping @Sendable (Int, String) -> HTTPResponse = RequestService.plain
    ) async throws(TransportError) -> HTTPServer {
        let pipeline = ConnectionPipeline(
            service: RequestService(handler: handler, limits: limits, logger: logger, refusal: refusal),
            connections: ServerConnections(limit: limits.connections))
        let current = TLSState(try tls?.context())
        let binder = ListenerBinder(threads: threads, pipeline: pipeline, tls: current)
        var listeners: [any Channel] = []
        var bound: [ListenAddress] = []
        do throws(TransportError) {
            for address in addresses {
                let (listener, actual) = try await binder.bind(address)
                listeners.append(listener)
                bound.append(actual)
            }
        } catch {
            for listener in listeners { try? await listener.close() }
            throw error
        }
        return HTTPServer(addresses: bound, listeners: listeners, pipeline: pipeline, tls: current)
    }

    /// Uses another certificate for the connections that come from now on. On failure the present one stays.
    package func reload(tls: ServerTLS) throws(TransportError) {
        currentTLS.replace(try tls.context())
    }

    /// Accepts no more, ends the bodies that have no end of their own, lets other requests under way finish for at most `deadline`, then cuts what is left and
    /// gives their tasks, now cancelled, as long again to end.
    package func stop(within deadline: Duration = .seconds(5)) async {
        for listener in listeners { try? await listener.close() }
        for address in addresses {
            switch address {
            case .unix(let path, _), .unixHTTP2(let path, _): ListenerBinder.removeSocket(path)
            case .tls, .plain: break
            }
        }
        connections.quiesce()
        service.endEndless()
        let (loop, connections, service) = (listeners.first?.eventLoop, connections, service)
        let cut = loop?.scheduleTask(in: TimeAmount(deadline)) { connections.closeAll() }
        await connections.closed()
        cut?.cancel()
        let end = loop?.scheduleTask(in: TimeAmount(deadline)) { service.giveUp() }
        await service.idle()
        end?.cancel()
    }
}

/// The TLS context for new connections.
final class TLSState: Sendable {
    private let context: Mutex<NIOSSLContext?>

    init(_ context: NIOSSLContext?) {
        self.context = Mutex(context)
    }

    var current: NIOSSLContext? { context.withLock { $0 } }

    func replace(_ next: NIOSSLContext) {
        context.withLock { $0 = next }
    }
}
