import X509

/// What a certificate says of itself, for people and for who renews it.
package struct CertificateSummary: Sendable, Hashable {
    package enum Purpose: String, Sendable, Hashable { case authority, server, client }

    /// By which its files and commands name it.
    package var name: String
    /// As RFC 4514 writes it.
    package var subject: String
    package var purpose: Purpose
    /// The subject of who signed it.
    package var authority: String
    /// In seconds since 1970, as all that follow.
    package var beginsSeconds: Int64
    package var endsSeconds: Int64
    /// When it is to be renewed.
    package var renewalSeconds: Int64

    package init(
        name: String, subject: String, purpose: Purpose, authority: String, beginsSeconds: Int64, endsSeconds: Int64,
        renewalSeconds: Int64
    ) {
        self.name = name
        self.subject = subject
        self.purpose = purpose
        self.authority = authority
        self.beginsSeconds = beginsSeconds
        self.endsSeconds = endsSeconds
        self.renewalSeconds = renewalSeconds
    }

    /// Reads a certificate of which no key is here. Throws `malformed` where it cannot be parsed.
    package init(_ name: String, pem: String) throws(PKIError) {
        do {
            self.init(name, try Certificate(pemEncoded: pem))
        } catch {
            throw .malformed(object: "the certificate \(name)", cause: "\(error)")
        }
    }

    init(_ name: String, _ certificate: Certificate) {
        let begins = Int64(certificate.notValidBefore.timeIntervalSince1970)
        let ends = Int64(certificate.notValidAfter.timeIntervalSince1970)
        self.init(
            name: name, subject: "\(certificate.subject)", purpose: Self.purpose(of: certificate),
            authority: "\(certificate.issuer)", beginsSeconds: begins, endsSeconds: ends,
            renewalSeconds: ends - (ends - begins) / 3)
    }

    private static func purpose(of certificate: Certificate) -> Purpose {
        if case .isCertificateAuthority? = try? certificate.extensions.basicConstraints { return .authority }
        let usages = try? certificate.extensions.extendedKeyUsage
        return usages?.contains(.serverAuth) == true ? .server : .client
    }
}

extension Credential {
    package func summary(_ name: String) -> CertificateSummary { CertificateSummary(name, certificate) }
}
