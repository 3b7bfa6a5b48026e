import APIMachinery
import CRI
import HTTP
import Logging
import Transport

/// Serves a runtime as the CRI (`runtime.v1`): gRPC on a unix socket, and the streams of exec, attach and port-forward on a port of loopback. Whoever can
/// open the socket is as good as root on this machine; its mode is 0600.
package struct CRIServer: Sendable {
    private let calls: HTTPServer
    private let streams: HTTPServer

    /// - Parameter socket: the path; a socket that nobody serves any more is replaced.
    package static func start(
        socket: String, runtime: any RuntimeService, images: any ImageService, time: any TimeSource,
        threads: IOThreads, logger: Logger
    ) async throws(TransportError) -> CRIServer {
        let sessions = StreamingSessions(time: time)
        let streams = try await HTTPServer.start(
            on: [.plain(host: "127.0.0.1", port: 0)], threads: threads, logger: logger,
            handler: StreamingEndpoint(runtime: runtime, sessions: sessions, time: time))
        let address = "http://127.0.0.1:\(streams.addresses.first?.port ?? 0)"
        let endpoint = CRIEndpoint(
            runtime: runtime, images: images, sessions: sessions, streamingAddress: address, time: time,
            logger: logger)
        do throws(TransportError) {
            let calls = try await HTTPServer.start(
                on: [.unixHTTP2(path: socket)], limits: limits, threads: threads, logger: logger,
                handler: GRPCEndpoint(endpoint) { try await time.sleep(for: $0) }, refusal: GRPCEndpoint.refusal)
            return CRIServer(calls: calls, streams: streams)
        } catch {
            await streams.stop()
            throw error
        }
    }

    /// What runtimes grant kubelets, who may be root anyway.
    private static var limits: ServerLimits {
        var limits = ServerLimits()
        limits.bodyBytes = 16 << 20 + GRPCFrame.headBytes
        limits.controlFrames = 1_000_000
        // A kubelet has one connection: commands in containers that take their time must not hold up all else.
        limits.streamsPerConnection = 10_000
        limits.idleTime = .seconds(3_600)
        // A stream of events may be silent for as long as nothing happens.
        limits.stallTime = .seconds(3_600)
        return limits
    }

    package func stop() async {
        await calls.stop()
        await streams.stop()
    }
}
