import Crypto
import FoundationEssentials
import X509

/// A certificate and its private key (ECDSA P-256), as PEM.
package struct Credential: Sendable, Equatable {
    package let certificatePEM: String
    /// PKCS #8. Never logged.
    package let keyPEM: String

    let certificate: Certificate
    let key: P256.Signing.PrivateKey

    init(certificate: Certificate, key: P256.Signing.PrivateKey, subject: String) throws(PKIError) {
        do {
            self.certificatePEM = try certificate.serializeAsPEM().pemString + "\n"
        } catch {
            throw .issue(subject: subject, cause: "\(error)")
        }
        self.keyPEM = key.pemRepresentation + "\n"
        self.certificate = certificate
        self.key = key
    }

    /// Reads a pair; `object` names it in errors. Throws `malformed` where one cannot be parsed or they do not belong together.
    package init(certificatePEM: String, keyPEM: String, object: String) throws(PKIError) {
        do {
            self.certificate = try Certificate(pemEncoded: certificatePEM)
            self.key = try P256.Signing.PrivateKey(pemRepresentation: keyPEM)
        } catch {
            throw .malformed(object: object, cause: "\(error)")
        }
        guard certificate.publicKey == Certificate.PublicKey(key.publicKey) else {
            throw .malformed(object: object, cause: "the private key does not belong to the certificate")
        }
        self.certificatePEM = certificatePEM
        self.keyPEM = keyPEM
    }

    /// Start of validity, in seconds since 1970.
    package var notBeforeSeconds: Int64 { Int64(certificate.notValidBefore.timeIntervalSince1970) }

    /// End of validity, in seconds since 1970.
    package var notAfterSeconds: Int64 { Int64(certificate.notValidAfter.timeIntervalSince1970) }

    /// Whether two thirds of the lifetime are over at `nowSeconds` (seconds since 1970), or it has not begun.
    package func needsRenewal(at nowSeconds: Int64) -> Bool {
        nowSeconds < notBeforeSeconds || nowSeconds >= renewalSeconds
    }

    /// When two thirds of the lifetime are over, in seconds since 1970.
    package var renewalSeconds: Int64 { notAfterSeconds - (notAfterSeconds - notBeforeSeconds) / 3 }

    /// Whether `authority` signed this certificate.
    package func isIssued(by authority: CertificateAuthority) -> Bool {
        authority.credential.certificate.publicKey.isValidSignature(certificate.signature, for: certificate)
    }

    package static func == (left: Credential, right: Credential) -> Bool {
        left.certificatePEM == right.certificatePEM && left.keyPEM == right.keyPEM
    }
}

extension Credential {
    /// The name in the subject; nil where there is none.
    package var commonName: String? {
        certificate.subject.joined().first { $0.type == .RDNAttributeType.commonName }.flatMap { String($0.value) }
    }

    /// Whether the certificate carries these very subject and alternative names.
    package func says(_ request: CertificateRequest) -> Bool { request.matches(certificate) }
}
