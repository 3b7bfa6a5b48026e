import HTTP
import NIOCore
import NIOPosix

/// Whether something accepts TCP connections at an address.
package enum TCPProbe {
    /// Returns once a connection was made, which is closed at once.
    /// - Throws: `timedOut` or `connectFailed`.
    package static func check(
        host: String, port: Int, within limit: Duration, threads: IOThreads
    ) async throws(HTTPError) {
        do {
            let bootstrap = ClientBootstrap(group: threads.group).connectTimeout(TimeAmount(limit))
            let channel = try await HTTPEndpoint.http(host: host, port: port).connect(bootstrap).get()
            channel.close(promise: nil)
        } catch {
            if case .connectTimeout? = error as? ChannelError { throw .timedOut(after: limit) }
            throw .connectFailed(endpoint: hostPort(host, port), reason: connectionReason(error))
        }
    }
}
