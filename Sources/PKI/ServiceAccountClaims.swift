/// What a service account token says. Times are seconds since 1970.
package struct ServiceAccountClaims: Sendable, Equatable {
    /// An object that the token lives and dies with.
    package struct BoundObject: Sendable, Equatable {
        package var name: String
        /// Empty where nothing is known of the object but its name.
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
    /// The secret that the token is kept in, or was issued for.
    package var secret: BoundObject?
    /// The node that the pod is on, or that the token was issued to.
    package var node: BoundObject?
    package var audiences: [String]
    package var issuedAtSeconds: Int64
    package var notBeforeSeconds: Int64
    /// First second at which the token is no longer good; nil: it is good for as long as its secret holds it.
    package var expiresAtSeconds: Int64?

    package init(
        namespace: String, serviceAccount: BoundObject, pod: BoundObject? = nil, secret: BoundObject? = nil,
        node: BoundObject? = nil, audiences: [String], issuedAtSeconds: Int64, notBeforeSeconds: Int64,
        expiresAtSeconds: Int64?
    ) {
        self.namespace = namespace
        self.serviceAccount = serviceAccount
        self.pod = pod
        self.secret = secret
        self.node = node
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
