import APIMachinery
import APIServer
import PKI

/// The cluster's service account tokens: one key, made at the first start, and the audiences that this API server accepts.
struct ClusterTokens: ServiceAccountTokenService {
    private let tokens: ServiceAccountTokens
    private let audiences: [String]

    /// Reads the key in `directory`, or makes one.
    static func load(in directory: String, issuer: String, audiences: [String]) throws(PKIError) -> ClusterTokens {
        let path = "\(directory)/service-accounts.key"
        let key: String
        if let present = try readFile(path) {
            key = present
        } else {
            key = ServiceAccountTokens.makeKeyPEM()
            try replaceFile(path, with: key, mode: 0o600)
        }
        return ClusterTokens(
            tokens: try ServiceAccountTokens(keyPEM: key, issuer: issuer, object: path), audiences: audiences)
    }

    func sign(_ claims: ServiceAccountClaims) throws(PKIError) -> String {
        try tokens.sign(claims)
    }

    func verify(_ token: String, at now: Timestamp) throws(PKIError) -> ServiceAccountClaims {
        try tokens.verify(token, audiences: audiences, nowSeconds: now.seconds)
    }
}
