import Glibc
import X509

/// What a certificate shall say. Equal requests need no new certificate until the old one is due for renewal.
package struct CertificateRequest: Sendable, Equatable {
    package enum Usage: Sendable, Equatable {
        case server
        case client
    }

    /// Subject CN: for a client, the Kubernetes user name.
    package var commonName: String
    /// Subject O, one each: for a client, the Kubernetes groups.
    package var organizations: [String]
    package var dnsNames: [String]
    /// IPv4 and IPv6 addresses as text.
    package var addresses: [String]
    package var usage: Usage
    package var validity: Duration

    /// A serving certificate. Clients check the names and addresses only, never the common name.
    package static func server(
        commonName: String, organizations: [String] = [], dnsNames: [String], addresses: [String],
        validity: Duration = .seconds(365 * 86_400)
    ) -> CertificateRequest {
        CertificateRequest(
            commonName: commonName, organizations: organizations, dnsNames: dnsNames, addresses: addresses,
            usage: .server, validity: validity)
    }

    /// A client certificate that authenticates as user `commonName` in groups `organizations`.
    package static func client(
        commonName: String, organizations: [String] = [], validity: Duration = .seconds(365 * 86_400)
    ) -> CertificateRequest {
        CertificateRequest(
            commonName: commonName, organizations: organizations, dnsNames: [], addresses: [], usage: .client,
            validity: validity)
    }

    func subject() throws(PKIError) -> DistinguishedName {
        do {
            var names = try organizations.map { try OrganizationName($0).makeRDN() }
            names.append(try CommonName(commonName).makeRDN())
            return DistinguishedName(names)
        } catch {
            throw .issue(subject: commonName, cause: "\(error)")
        }
    }

    func alternativeNames() throws(PKIError) -> [GeneralName] {
        var names = dnsNames.map { GeneralName.dnsName($0) }
        for address in addresses {
            names.append(.ipAddress(.init(contentBytes: try addressBytes(address)[...])))
        }
        return names
    }

    /// Whether `certificate` carries these very subject and alternative names.
    func matches(_ certificate: Certificate) -> Bool {
        guard let subject = try? subject(), subject == certificate.subject,
            let wanted = try? alternativeNames()
        else { return false }
        let present = (try? certificate.extensions.subjectAlternativeNames).map(Array.init) ?? []
        return Set(present) == Set(wanted)
    }
}

/// Network-order bytes of an IP address: 4 or 16.
func addressBytes(_ text: String) throws(PKIError) -> [UInt8] {
    var v4 = in_addr()
    if inet_pton(AF_INET, text, &v4) == 1 { return withUnsafeBytes(of: v4) { Array($0) } }
    var v6 = in6_addr()
    if inet_pton(AF_INET6, text, &v6) == 1 { return withUnsafeBytes(of: v6) { Array($0) } }
    throw .invalidAddress(text)
}
