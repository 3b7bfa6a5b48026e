import HTTP
import NIOCore
import NIOPosix

/// Opens SPDY/3.1 sessions: the client's side of what Kubernetes' streams go over, for runtimes that know no other way to say that a stream has ended.
package struct SPDYDialer: Sendable {
    private static let headBytes = 16 << 10
    private static let openingTime = TimeAmount.seconds(30)

    private let threads: IOThreads

    package init(threads: IOThreads) {
        self.threads = threads
    }

    /// Connects and asks for an upgrade, and runs `handler` on the session, which ends with it. By plain TCP: such servers are on this machine.
    /// - Parameter protocol: above SPDY, such as `v4.channel.k8s.io`.
    package func session<Value: Sendable>(
        host: String, port: Int, target: String, protocol name: String,
        _ handler: @escaping @Sendable (any MultiplexedClient) async -> Value
    ) async throws(HTTPError) -> Value {
        let channel = try await connect(host, port)
        do {
            return try await channel.executeThenClose { inbound, outbound in
                let head =
                    "POST \(target) HTTP/1.1\r\nHost: \(host):\(port)\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
                    + "X-Stream-Protocol-Version: \(name)\r\nContent-Length: 0\r\n\r\n"
                try await outbound.write(ByteBuffer(string: head))
                var iterator = inbound.makeAsyncIterator()
                let rest = try await Self.readHead(&iterator)
                let session = SPDYSession(
                    isClient: true,
                    send: { bytes in (try? await outbound.write(ByteBuffer(bytes: bytes))) != nil },
                    abort: { channel.channel.close(promise: nil) })
                let input = Input(rest, iterator)
                return await session.converse(reading: ByteStream(next: { try await input.next() }), with: handler)
            }
        } catch let error as HTTPError {
            throw error
        } catch {
            throw .connectionLost(reason: "\(error)")
        }
    }

    private func connect(
        _ host: String, _ port: Int
    ) async throws(HTTPError) -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        do {
            return try await ClientBootstrap(group: threads.group)
                .connectTimeout(Self.openingTime)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .connect(host: host, port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            throw .connectFailed(endpoint: "\(host):\(port)", reason: "\(error)")
        }
    }

    /// Reads the response's head.
    /// - Returns: what came after it.
    private static func readHead(
        _ input: inout NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    ) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let range = bytes.firstRange(of: end) {
                let line = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\r") }, as: UTF8.self)
                guard line.split(separator: " ").dropFirst().first == "101" else {
                    throw HTTPError.malformed("\"\(line)\" in place of SPDY/3.1")
                }
                return Array(bytes[range.upperBound...])
            }
            guard bytes.count <= headBytes, let buffer = try await input.next() else {
                throw HTTPError.malformed("no answer to the wish for SPDY/3.1")
            }
            bytes += Array(buffer: buffer)
        }
    }

    private actor Input {
        private var rest: [UInt8]
        private var iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator

        init(_ rest: [UInt8], _ iterator: sending NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator) {
            self.rest = rest
            self.iterator = iterator
        }

        func next() async throws -> [UInt8]? {
            if !rest.isEmpty {
                defer { rest = [] }
                return rest
            }
            var own = iterator
            let buffer = try await own.next(isolation: self)
            iterator = own
            return buffer.map { Array(buffer: $0) }
        }
    }
}
