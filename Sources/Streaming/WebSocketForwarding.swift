import APIMachinery
import CRI
import HTTP

/// A port-forward session over the channels of one WebSocket, as clients had it before there were streams in a WebSocket (k8s.io/kubelet,
/// portforward/websocket.go): the request names the ports, each of which has one connection on two channels, for data and for an error. Each channel begins with
/// its port, the low byte first.
///
/// Bound: one message each way; who reads too slowly at one port holds up the others.
struct WebSocketForwarding: Sendable {
    /// The second carries text: the channel as a digit, then base64. A WebSocket without a protocol is as one with the first.
    static let protocols = ["v4.channel.k8s.io", "v4.base64.channel.k8s.io"]
    /// What one byte can number, two to a port.
    static let mostPorts = 128

    let forwarding: PortForwarding
    let connection: any WebSocketConnection
    let isText: Bool
    let ports: [UInt16]

    /// The ports that a request names.
    static func ports(_ request: HTTPRequest) throws(Status) -> [UInt16] {
        let texts = request.query.filter { $0.name == "port" }.map(\.value)
        guard !texts.isEmpty else { throw .badRequest("query parameter \"port\" is required") }
        var ports: [UInt16] = []
        for text in texts.flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false) }) {
            guard !text.isEmpty else { throw .badRequest("query parameter \"port\" cannot be empty") }
            guard let port = UInt16(digits: text), port > 0 else {
                throw .badRequest("unable to parse \"\(text)\" as a port: write a number from 1 to 65535")
            }
            ports.append(port)
        }
        return ports
    }

    /// These, or those that the request names, where one WebSocket can have them.
    static func checked(_ given: [UInt16]?, _ request: HTTPRequest) throws(Status) -> [UInt16] {
        let ports: [UInt16]
        if let given { ports = given } else { ports = try self.ports(request) }
        guard !ports.isEmpty else { throw .badRequest("the session names no port, which a WebSocket needs") }
        guard ports.count <= mostPorts else { throw .badRequest("at most \(mostPorts) ports go over one WebSocket") }
        return ports
    }

    /// Returns when the client has gone, or all connections have ended.
    func run() async {
        do {
            for (place, port) in ports.enumerated() {
                let head = [UInt8(truncatingIfNeeded: port), UInt8(port >> 8)]
                try await send(head, on: place * 2)
                try await send(head, on: place * 2 + 1)
            }
        } catch {
            return
        }
        await carry(await open())
    }

    /// Returns when the client has gone, or all connections have ended, which are closed then.
    func carry(_ backends: [Int: any ContainerStreams]) async {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await forwardInput(to: backends)
                return true
            }
            for (place, backend) in backends {
                group.addTask {
                    await forwardOutput(of: backend, on: place * 2)
                    return false
                }
            }
            var left = backends.count
            while left > 0, let isGone = await group.next(), !isGone { left -= 1 }
            for backend in backends.values { await backend.close() }
            group.cancelAll()
        }
    }

    /// By the places of their ports; of one that fails the client is told why.
    private func open() async -> [Int: any ContainerStreams] {
        var backends: [Int: any ContainerStreams] = [:]
        for (place, port) in ports.enumerated() {
            do throws(CRIError) {
                backends[place] = try await forwarding.runtime.portForward(sandbox: forwarding.sandbox, port: port)
            } catch {
                try? await send(Array(forwarding.failure(port, error).utf8), on: place * 2 + 1)
            }
        }
        return backends
    }

    private func forwardOutput(of backend: any ContainerStreams, on channel: Int) async {
        do {
            while case .standardOutput(let bytes)? = try await backend.receive() { try await send(bytes, on: channel) }
        } catch {
            // Either side is gone; there is nobody to tell, or nothing more to carry.
            return
        }
    }

    private func forwardInput(to backends: [Int: any ContainerStreams]) async {
        while let message = try? await connection.receive() {
            guard let (channel, bytes) = parse(message), channel % 2 == 0, !bytes.isEmpty else { continue }
            // One that is closed ends by its output.
            try? await backends[channel / 2]?.writeStandardInput(bytes)
        }
    }

    private func send(_ bytes: [UInt8], on channel: Int) async throws {
        let number = UInt8(truncatingIfNeeded: channel)
        guard isText else { return try await connection.send(.binary([number] + bytes)) }
        let digit = Character(Unicode.Scalar(UInt8(ascii: "0") &+ number))
        try await connection.send(.text("\(digit)" + Bytes(bytes).base64))
    }

    private func parse(_ message: WebSocketMessage) -> (channel: Int, bytes: [UInt8])? {
        switch message {
        case .binary(let bytes) where !isText:
            return bytes.first.map { (Int($0), Array(bytes.dropFirst())) }
        case .text(let text) where isText:
            guard let first = text.unicodeScalars.first, (48..<256).contains(first.value),
                let content = Bytes(base64: String(text.dropFirst()))
            else { return nil }
            return (Int(first.value) - 48, content.array)
        default: return nil
        }
    }
}
