import Crypto
import X509

/// An authority's certificate as a client got it, to be trusted where its fingerprint is the one expected.
package struct PinnedAuthority: Sendable, Equatable {
    /// The one certificate that was read, and nothing that stood beside it.
    package let certificatePEM: String
    /// SHA-256 of the certificate (DER), in lower-case hexadecimal: what `openssl x509 -fingerprint -sha256` shows.
    package let fingerprint: String

    /// - Throws: `malformed` where this is no certificate, or not an authority's. `object` names it.
    package init(pem: String, object: String) throws(PKIError) {
        do {
            let certificate = try Certificate(pemEncoded: pem)
            guard case .isCertificateAuthority? = try certificate.extensions.basicConstraints else {
                throw PKIError.malformed(object: object, cause: "the certificate is not a certificate authority")
            }
            let document = try certificate.serializeAsPEM()
            certificatePEM = document.pemString + "\n"
            fingerprint = hexadecimal(SHA256.hash(data: document.derBytes))
        } catch let error as PKIError {
            throw error
        } catch {
            throw .malformed(object: object, cause: "\(error)")
        }
    }
}
