import Glibc

/// Keys and certificates on disk: `NAME.crt` (0644) and `NAME.key` (0600), each replaced atomically.
///
/// The key is written before the certificate, so a crash between them leaves a pair that does not match or a key alone: neither
/// was ever in use and both are made anew, except for an authority whose certificate exists, which is never replaced in silence.
/// All calls block on the disk; one process at a time.
package struct CredentialDirectory: Sendable {
    package let path: String

    package init(path: String) {
        self.path = path
    }

    /// Reads the authority `name`, or makes and saves one where there is none.
    package func authority(
        _ name: String, commonName: String, nowSeconds: Int64
    ) throws(PKIError) -> CertificateAuthority {
        if try readFile(certificatePath(name)) != nil {
            guard let credential = try load(name) else {
                throw .malformed(object: certificatePath(name), cause: "its key \(keyPath(name)) is missing")
            }
            return try CertificateAuthority(credential: credential, object: certificatePath(name))
        }
        let authority = try CertificateAuthority(commonName: commonName, nowSeconds: nowSeconds)
        try save(authority.credential, as: name)
        return authority
    }

    /// Reads the credential `name`; issues and saves a new one where it is missing, unreadable, due for renewal, signed by another
    /// authority, does not say what `request` asks, or is to be new in any case.
    package func credential(
        _ name: String, _ request: CertificateRequest, authority: CertificateAuthority, nowSeconds: Int64,
        isRenewed: Bool = false
    ) throws(PKIError) -> Credential {
        if !isRenewed, let present = try loadIfSound(name), !present.needsRenewal(at: nowSeconds),
            present.isIssued(by: authority), request.matches(present.certificate)
        {
            return present
        }
        let fresh = try authority.issue(request, nowSeconds: nowSeconds)
        try save(fresh, as: name)
        return fresh
    }

    /// The pair `name`, nil where one of its files is missing.
    package func load(_ name: String) throws(PKIError) -> Credential? {
        guard let certificate = try readFile(certificatePath(name)), let key = try readFile(keyPath(name)) else {
            return nil
        }
        return try Credential(certificatePEM: certificate, keyPEM: key, object: certificatePath(name))
    }

    /// Saves the pair, durable when this returns. Makes the directory (0700) where it is missing.
    package func save(_ credential: Credential, as name: String) throws(PKIError) {
        try makeDirectory()
        try replaceFile(keyPath(name), with: credential.keyPEM, mode: 0o600)
        try replaceFile(certificatePath(name), with: credential.certificatePEM, mode: 0o644)
    }

    package func certificatePath(_ name: String) -> String { "\(path)/\(name).crt" }
    package func keyPath(_ name: String) -> String { "\(path)/\(name).key" }

    func makeDirectory() throws(PKIError) {
        guard mkdir(path, 0o700) != 0, errno != EEXIST else { return }
        throw .file(operation: "mkdir", path: path, errno: errno)
    }

    private func loadIfSound(_ name: String) throws(PKIError) -> Credential? {
        do {
            return try load(name)
        } catch .malformed {
            return nil
        }
    }
}
