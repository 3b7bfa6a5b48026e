import Glibc
import HTTP
import NIOCore
import NIOSSL

/// The name or address that a certificate from the other end of a tunnel must be for. NIOSSL itself also takes one for the address that is connected to, and
/// that is the proxy's. The certificate's alternative names count, its common name does not.
struct TunnelledName: Sendable {
    /// In small letters, without the dot at its end that stands for the root.
    private let name: String
    /// In network byte order; nil for a name.
    private let address: [UInt8]?

    init(_ name: String) {
        let text = name.hasSuffix(".") ? String(name.dropLast()) : name
        self.name = text.lowercased()
        address = Self.address(text)
    }

    /// TLS with the server. Only a name goes into SNI.
    func handler(_ context: NIOSSLContext, _ trust: ClientTLS.Trust) throws -> NIOSSLClientHandler {
        let sent = address == nil ? name : nil
        if case .anyone = trust { return try NIOSSLClientHandler(context: context, serverHostname: sent) }
        return try ._makeSSLClientHandler(context: context, serverHostname: sent) { certificate, channel in
            channel.eventLoop.makeCompletedFuture {
                guard certificate._subjectAlternativeNames().contains(where: isNamed) else {
                    throw ConnectionRefusal.otherCertificate(of: .server)
                }
            }
        }
    }

    /// RFC 9525: an address by its bytes, a name by its letters, which are ASCII, and `*` for its first label.
    private func isNamed(by alternative: _SubjectAlternativeName) -> Bool {
        let content = Array(alternative.contents)
        if let address { return alternative.nameType == .ipAddress && content == address }
        guard alternative.nameType == .dnsName, content.allSatisfy({ $0 < 0x80 }) else { return false }
        let pattern = String(decoding: content, as: UTF8.self).lowercased()
        guard pattern.hasPrefix("*.") else { return pattern == name }
        guard let dot = name.firstIndex(of: "."), dot > name.startIndex else { return false }
        return name[dot...] == pattern.dropFirst()
    }

    private static func address(_ text: String) -> [UInt8]? {
        var four = [UInt8](repeating: 0, count: 4)
        var sixteen = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &four) == 1 { return four }
        return inet_pton(AF_INET6, text, &sixteen) == 1 ? sixteen : nil
    }
}
