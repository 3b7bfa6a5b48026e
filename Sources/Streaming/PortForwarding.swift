import APIMachinery
import CRI
import HTTP

/// A port-forward session: connections to ports of one pod, each over two streams of the client's connection (`portforward.k8s.io`), or over two channels of its
/// WebSocket (`WebSocketForwarding`).
package struct PortForwarding: Sendable {
    static let protocolName = "portforward.k8s.io"

    let runtime: any RuntimeService
    let sandbox: String
    /// `NAMESPACE/NAME`, for messages.
    let pod: String
    let uid: String

    package init(runtime: any RuntimeService, sandbox: String, pod: String, uid: String) {
        self.runtime = runtime
        self.sandbox = sandbox
        self.pod = pod
        self.uid = uid
    }

    /// Answers a request for a session.
    /// - Parameter ports: those that a WebSocket's channels are for; nil: the request's query names them.
    package func answer(_ request: HTTPRequest, ports: [UInt16]? = nil) throws(Status) -> HTTPResponse {
        let name = Self.protocolName
        if request.offers(name, in: "X-Stream-Protocol-Version")
            || request.offers("SPDY/3.1+" + name, in: "Sec-WebSocket-Protocol")
        {
            return HTTPResponse(101, body: .streams(protocol: name) { connection in await run(connection) })
        }
        let channels = WebSocketForwarding.protocols
        let asked = channels.first { request.offers($0, in: "Sec-WebSocket-Protocol") }
        let isBare = request.asksForWebSocket && request.headers["Sec-WebSocket-Protocol"] == nil
        guard let subprotocol = asked ?? (isBare ? "" : nil) else {
            throw .badRequest(
                "port-forward needs an upgrade to SPDY/3.1, or to a WebSocket with SPDY/3.1+\(name) or "
                    + channels.joined(separator: " or "))
        }
        let ports = try WebSocketForwarding.checked(ports, request)
        return HTTPResponse(
            101,
            body: .webSocket(subprotocol: subprotocol) { connection in
                await WebSocketForwarding(
                    forwarding: self, connection: connection, isText: subprotocol.contains("base64."), ports: ports
                ).run()
            })
    }

    /// What the client is told.
    func failure(_ port: UInt16, _ error: CRIError) -> String {
        "error forwarding port \(port) to pod \(pod), uid \(uid): \(error)"
    }

    /// Returns when the client has gone.
    func run(_ connection: any MultiplexedConnection) async {
        await withDiscardingTaskGroup { group in
            var connections = ForwardedConnections()
            while let stream = await connection.accept() {
                switch connections.add(stream) {
                case .wait: break
                case .connect(let pair): group.addTask { await forward(pair) }
                case .refuse(let stream): await stream.reset()
                }
            }
            group.cancelAll()
        }
    }

    private func forward(_ pair: ForwardedConnections.Pair) async {
        do throws(CRIError) {
            let backend = try await runtime.portForward(sandbox: sandbox, port: pair.port)
            await carry(pair, backend)
            await backend.close()
        } catch {
            try? await pair.error.send(Array(failure(pair.port, error).utf8))
        }
        await pair.data.finish()
        await pair.error.finish()
    }

    /// Returns when both ways have ended, or the client has broken off.
    private func carry(_ pair: ForwardedConnections.Pair, _ backend: any ContainerStreams) async {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { await toBackend(pair.data, backend) }
            group.addTask {
                let goesOn = await toClient(pair.data, backend)
                // kubectl closes its connection, and so the other way, only when it knows that no error will come.
                await pair.error.finish()
                return goesOn
            }
            // Each way has an end of its own; what breaks ends both.
            for await goesOn in group where !goesOn {
                await backend.close()
                group.cancelAll()
            }
        }
    }

    private func toBackend(_ data: any MultiplexedStream, _ backend: any ContainerStreams) async -> Bool {
        do {
            while let bytes = try await data.receive() { try await backend.writeStandardInput(bytes) }
            await backend.closeStandardInput()
            return true
        } catch {
            return false
        }
    }

    private func toClient(_ data: any MultiplexedStream, _ backend: any ContainerStreams) async -> Bool {
        do {
            while case .standardOutput(let bytes)? = try await backend.receive() { try await data.send(bytes) }
            await data.finish()
            return true
        } catch {
            return false
        }
    }
}
