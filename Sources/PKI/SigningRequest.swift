import Crypto
import X509

/// A key that was made here and the request for a certificate of it (PKCS #10): the key never leaves the machine.
package struct SigningRequest: Sendable, Equatable {
    /// PKCS #8. Never logged.
    package let keyPEM: String
    package let requestPEM: String

    /// - Parameter commonName: for people only; what the certificate says is decided by whoever signs it.
    package init(commonName: String) throws(PKIError) {
        let key = P256.Signing.PrivateKey()
        do {
            let request = try CertificateSigningRequest(
                version: .v1, subject: CertificateRequest.client(commonName: commonName).subject(),
                privateKey: Certificate.PrivateKey(key), attributes: .init())
            requestPEM = try request.serializeAsPEM().pemString + "\n"
        } catch {
            throw .issue(subject: commonName, cause: "\(error)")
        }
        keyPEM = key.pemRepresentation + "\n"
    }

    /// The pair of this key and the certificate that was signed for it. `object` names it in errors.
    package func credential(certificatePEM: String, object: String) throws(PKIError) -> Credential {
        try Credential(certificatePEM: certificatePEM, keyPEM: keyPEM, object: object)
    }
}

extension CertificateAuthority {
    /// Signs a certificate for the key of a signing request. What it says is `request`'s alone; the signing request must be signed with its own key.
    /// - Returns: the certificate as PEM.
    /// - Throws: `malformed` where the signing request cannot be used.
    package func sign(
        _ signingRequestPEM: String, as request: CertificateRequest, nowSeconds: Int64
    ) throws(PKIError) -> String {
        let object = "the signing request of \(request.commonName)"
        let asked: CertificateSigningRequest
        do {
            asked = try CertificateSigningRequest(pemEncoded: signingRequestPEM)
        } catch {
            throw .malformed(object: object, cause: "\(error)")
        }
        guard P256.Signing.PublicKey(asked.publicKey) != nil else {
            throw .malformed(object: object, cause: "its key is not of the kind P-256")
        }
        guard asked.publicKey.isValidSignature(asked.signature, for: asked) else {
            throw .malformed(object: object, cause: "it is not signed with its own key")
        }
        let certificate = try certificate(for: asked.publicKey, request, nowSeconds: nowSeconds)
        do {
            return try certificate.serializeAsPEM().pemString + "\n"
        } catch {
            throw .issue(subject: request.commonName, cause: "\(error)")
        }
    }
}
