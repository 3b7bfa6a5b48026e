import PKI

extension ServiceAccountTokens {
    /// The cluster's tokens under the key in `directory`, which is made at the first start.
    static func load(in directory: String, issuer: String) throws(PKIError) -> ServiceAccountTokens {
        let path = "\(directory)/service-accounts.key"
        let key: String
        if let present = try readFile(path) {
            key = present
        } else {
            key = ServiceAccountTokens.makeKeyPEM()
            try replaceFile(path, with: key, mode: 0o600)
        }
        return try ServiceAccountTokens(keyPEM: key, issuer: issuer, object: path)
    }
}
