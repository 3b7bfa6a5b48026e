import Crypto
import FoundationEssentials
import X509

/// A self-signed root that issues this cluster's certificates. ECDSA P-256, ten years, no intermediates below it.
package struct CertificateAuthority: Sendable, Equatable {
    package let credential: Credential

    /// Lifetime of a new authority.
    package static let lifetime = Duration.seconds(3_650 * 86_400)
    /// 2026-01-01: a clock that shows less when an authority is made is wrong, and says nothing about when it shall end.
    static let epochSeconds: Int64 = 1_767_225_600
    /// Certificates begin this much in the past, so that a client whose clock is behind accepts them.
    static let backdate = Duration.seconds(300)

    /// What clients and servers trust.
    package var certificatePEM: String { credential.certificatePEM }

    /// Makes a new root named `commonName`. It begins in 1970: a clock that was ahead when it was made, and is put right, must not leave it
    /// not valid yet.
    /// - Parameter nowSeconds: seconds since 1970.
    package init(commonName: String, nowSeconds: Int64) throws(PKIError) {
        let key = P256.Signing.PrivateKey()
        let name = try CertificateRequest.client(commonName: commonName).subject()
        let publicKey = Certificate.PublicKey(key.publicKey)
        do {
            let extensions = try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(digitalSignature: true, keyCertSign: true, cRLSign: true))
                SubjectKeyIdentifier(hash: publicKey)
            }
            let certificate = try Certificate(
                version: .v3, serialNumber: .init(), publicKey: publicKey,
                notValidBefore: Date(timeIntervalSince1970: 0),
                notValidAfter: Self.end(max(nowSeconds, Self.epochSeconds), Self.lifetime),
                issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions,
                issuerPrivateKey: .init(key))
            self.credential = try Credential(certificate: certificate, key: key, subject: commonName)
        } catch let error as PKIError {
            throw error
        } catch {
            throw .issue(subject: commonName, cause: "\(error)")
        }
    }

    /// Uses an existing root. Throws `malformed` where the certificate is not a certificate authority.
    package init(credential: Credential, object: String) throws(PKIError) {
        guard case .isCertificateAuthority? = try? credential.certificate.extensions.basicConstraints else {
            throw .malformed(object: object, cause: "the certificate is not a certificate authority")
        }
        self.credential = credential
    }

    /// Makes a key and signs a certificate for it. The validity never outlasts the authority's own.
    package func issue(_ request: CertificateRequest, nowSeconds: Int64) throws(PKIError) -> Credential {
        let key = P256.Signing.PrivateKey()
        let certificate = try certificate(
            for: Certificate.PublicKey(key.publicKey), request, nowSeconds: nowSeconds)
        return try Credential(certificate: certificate, key: key, subject: request.commonName)
    }

    /// Signs a certificate for this key.
    func certificate(
        for key: Certificate.PublicKey, _ request: CertificateRequest, nowSeconds: Int64
    ) throws(PKIError) -> Certificate {
        let subject = try request.subject()
        let names = try request.alternativeNames()
        if request.usage == .server, names.isEmpty {
            throw .issue(subject: request.commonName, cause: "a server needs at least one DNS name or address")
        }
        guard nowSeconds < credential.notAfterSeconds else {
            throw .issue(
                subject: request.commonName,
                cause: "the authority has ended by this machine's clock; put the clock right, or begin with a new "
                    + "authority")
        }
        do {
            return try Certificate(
                version: .v3, serialNumber: .init(), publicKey: key, notValidBefore: Self.start(nowSeconds),
                notValidAfter: min(Self.end(nowSeconds, request.validity), credential.certificate.notValidAfter),
                issuer: credential.certificate.subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
                extensions: leafExtensions(request.usage, names: names), issuerPrivateKey: .init(credential.key))
        } catch {
            throw .issue(subject: request.commonName, cause: "\(error)")
        }
    }

    private func leafExtensions(
        _ usage: CertificateRequest.Usage, names: [GeneralName]
    ) throws -> Certificate.Extensions {
        let issuerKey = try credential.certificate.extensions.subjectKeyIdentifier?.keyIdentifier
        return try Certificate.Extensions {
            Critical(BasicConstraints.notCertificateAuthority)
            Critical(KeyUsage(digitalSignature: true))
            try ExtendedKeyUsage([usage == .server ? .serverAuth : .clientAuth])
            if let issuerKey { AuthorityKeyIdentifier(keyIdentifier: issuerKey) }
            if !names.isEmpty { SubjectAlternativeNames(names) }
        }
    }

    private static func start(_ nowSeconds: Int64) -> Date {
        Date(timeIntervalSince1970: Double(nowSeconds) - Double(backdate.components.seconds))
    }

    private static func end(_ nowSeconds: Int64, _ validity: Duration) -> Date {
        Date(timeIntervalSince1970: Double(nowSeconds) + Double(validity.components.seconds))
    }
}
