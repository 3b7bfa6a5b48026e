/// What a service account token says. Times are seconds since 1970.
package struct ServiceAccountClaims: Sendable, Equatable {
    /// An object that the token lives and dies with.
    package struct BoundObject: Sendable, Equatable {
        package var name: String
        package var uid: String

        package init(name: String, uid: String) {
            self.name = name
            self.uid = uid
        }
    }

    package var namespace: String
    package var serviceAccount: BoundObject
    /// The pod the token was issued to, where there is one.
    package var pod: BoundObject?
    package var audiences: [String]
    package var issuedAtSeconds: Int64
    package var notBeforeSeconds: Int64
    /// First second at which the token is no longer good.
    package var expiresAtSeconds: Int64

    package init(
        namespace: String, serviceAccount: BoundObject, pod: BoundObject? = nil, audiences: [String],
        issuedAtSeconds: Int64, notBeforeSeconds: Int64, expiresAtSeconds: Int64
    ) {
        self.namespace = namespace
        self.serviceAccount = serviceAccount
        self.pod = pod
        self.audiences = audiences
        self.issuedAtSeconds = issuedAtSeconds
        self.notBeforeSeconds = notBeforeSeconds
        self.expiresAtSeconds = expiresAtSeconds
    }

    /// The Kubernetes user name of the bearer.
    package var subject: String { "system:serviceaccount:\(namespace):\(serviceAccount.name)" }

    /// The Kubernetes groups of the bearer.
    package var groups: [String] { ["system:serviceaccounts", "system:serviceaccounts:\(namespace)"] }
}
