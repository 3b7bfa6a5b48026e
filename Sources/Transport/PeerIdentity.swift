import Glibc
import HTTP
import NIOCore
import NIOPosix
import NIOSSL
import X509

/// Who is behind a connection. Read once, when the connection is ready.
enum PeerIdentity {
    /// The client certificate that TLS has verified, or anonymous where none was shown. Throws where it cannot be read.
    /// Call on the channel's event loop.
    static func ofTLS(_ channel: any Channel) throws -> Peer {
        guard let shown = try channel.pipeline.syncOperations.nioSSL_peerCertificate() else { return .anonymous }
        let subject = try Certificate(derEncoded: shown.toDERBytes()).subject
        var commonName = ""
        var organizations: [String] = []
        for attribute in subject.joined() {
            guard let value = String(attribute.value) else { continue }
            if attribute.type == .RDNAttributeType.commonName { commonName = value }
            if attribute.type == .RDNAttributeType.organizationName { organizations.append(value) }
        }
        guard !commonName.isEmpty else { return .anonymous }
        return .certificate(commonName: commonName, organizations: organizations)
    }

    /// The process at the other end of a unix socket, as it was when it connected.
    static func ofUnixSocket(_ channel: any Channel) -> EventLoopFuture<Peer> {
        guard let provider = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeSucceededFuture(.anonymous)
        }
        let credentials: EventLoopFuture<SocketCredentials> = provider.unsafeGetSocketOption(
            level: .socket, name: .init(rawValue: CInt(SO_PEERCRED)))
        return credentials.map { .local(uid: $0.uid, pid: $0.pid) }
    }
}

/// `struct ucred` (unix(7)), which glibc shows only to GNU sources: three 32-bit fields in this order.
private struct SocketCredentials {
    var pid: Int32
    var uid: UInt32
    var gid: UInt32
}
