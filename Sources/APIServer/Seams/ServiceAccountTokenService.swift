import APIMachinery
import PKI

/// Signs and checks service account tokens; the cluster's key is behind it.
package protocol ServiceAccountTokenService: Sendable {
    func sign(_ claims: ServiceAccountClaims) throws(PKIError) -> String
    /// The claims of a token that is ours, in time, and meant for this API server.
    func verify(_ token: String, at now: Timestamp) throws(PKIError) -> ServiceAccountClaims
}
