import Glibc
import Linux
import Logging
import NIOCore
import NIOPosix

/// Why the name server does not run.
package struct ClusterDNSError: Error, Hashable, CustomStringConvertible {
    package let address: IPv4Address
    package let port: Int
    package let cause: String

    package var description: String {
        "name server on \(address):\(port): \(cause); end what listens there, or give another address"
    }
}

/// The name server of the node's pods: answers for the cluster's domain, and asks the host's servers for all else.
///
/// It is meant to listen on the node's own address in the pod network (`PodNetworkConfiguration.gateway`), which pods take
/// for their name server: the address is ours and there for as long as the node is, no other server of the host needs it,
/// and without translation on the way there is no race for a tracked connection that costs clients a time-out.
package actor ClusterDNS {
    /// Streams at a time; one more is closed at once.
    static let streamLimit = 256
    /// How long a stream may be without a query.
    static let streamPatience = TimeAmount.seconds(10)

    /// How often the kernel is asked for a port that both protocols have free.
    private static let choices = 8

    private let answerer: QueryAnswerer
    private let group: any EventLoopGroup
    private let logger: Logger
    private var channels: [any Channel] = []

    /// - Parameters:
    ///   - domain: the cluster's domain, mostly `cluster.local`.
    ///   - patience: how long a server outside may take to answer before the next one is asked.
    ///   - upstream: the servers outside as they are now; called for every question that goes there.
    package init(
        domain: DNSName, group: any EventLoopGroup, logger: Logger, patience: TimeAmount = .seconds(2),
        upstream: @escaping @Sendable () -> UpstreamServers
    ) {
        let forwarder = Forwarder(patience: patience, upstream: upstream)
        answerer = QueryAnswerer(records: DNSRecords(domain: domain), forwarder: forwarder)
        self.group = group
        self.logger = logger
    }

    /// Begins to answer by UDP and TCP. Returns the port, which the kernel chooses where `port` is 0.
    @discardableResult
    package func start(on address: IPv4Address, port: Int = 53) async throws(ClusterDNSError) -> Int {
        for _ in 0..<ClusterDNS.choices {
            do { return try await listen(address, port) } catch {
                await stop()
                // What the kernel chose for the one may be taken for the other.
                guard port == 0, (error as? IOError)?.errnoCode == EADDRINUSE else {
                    throw ClusterDNSError(address: address, port: port, cause: "\(error)")
                }
            }
        }
        throw ClusterDNSError(address: address, port: port, cause: "no port is free for both UDP and TCP")
    }

    private func listen(_ address: IPv4Address, _ port: Int) async throws -> Int {
        let datagrams = try await datagramBootstrap.bind(host: "\(address)", port: port).get()
        channels.append(datagrams)
        let bound = datagrams.localAddress?.port ?? port
        channels.append(try await streamBootstrap.bind(host: "\(address)", port: bound).get())
        logger.info("name server listens", metadata: ["address": "\(address):\(bound)"])
        return bound
    }

    package func stop() async {
        for channel in channels { try? await channel.close() }
        channels = []
    }

    /// Takes over what a service's names are now; nil: it is gone. Queries that come after see it.
    package nonisolated func set(_ service: ServiceNames?, namespace: String, name: String) {
        answerer.change { $0.set(service, namespace: namespace, name: name) }
    }

    private var datagramBootstrap: DatagramBootstrap {
        let answerer = answerer
        return DatagramBootstrap(group: group)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 4096))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DatagramServer(answerer: answerer))
                }
            }
    }

    private var streamBootstrap: ServerBootstrap {
        let answerer = answerer
        let count = StreamCount()
        return ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                guard count.open() else { return channel.close() }
                channel.closeFuture.whenComplete { _ in count.close() }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        IdleStateHandler(readTimeout: Self.streamPatience), ByteToMessageHandler(DNSFrameDecoder()),
                        StreamServer(answerer: answerer),
                    ])
                }
            }
    }
}
