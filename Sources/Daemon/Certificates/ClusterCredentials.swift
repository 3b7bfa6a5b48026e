import APIMachinery
import APIServer
import PKI
import Transport

/// The cluster's certificates and keys, made at the first start and renewed when they are due.
struct ClusterCredentials: Sendable {
    let authority: CertificateAuthority
    let server: Credential
    let admin: Credential
    /// As whom the API server comes to the kubelets of other machines.
    let kubeletClient: Credential
    let tokens: ServiceAccountTokens

    /// What the API server shows, and whose clients it takes.
    var tls: ServerTLS {
        ServerTLS(
            certificatePEM: server.certificatePEM, keyPEM: server.keyPEM, clientAuthorityPEM: authority.certificatePEM)
    }

    /// What `swiftlet certs` shows, under the names of the files.
    var summaries: [CertificateSummary] {
        [
            authority.credential.summary("ca"), server.summary("apiserver"), admin.summary("admin"),
            kubeletClient.summary("apiserver-kubelet-client"),
        ]
    }

    /// - Parameters:
    ///   - renewed: the names of those that are made anew, due or not.
    ///   - names: what the API server is called, besides the names inside the cluster.
    ///   - addresses: what it is reached by, the `kubernetes` Service's address among them.
    static func load(
        in directory: String, renewing renewed: Set<String> = [], names: [String], addresses: [String],
        clusterDomain: String, now: Timestamp
    ) throws(DaemonError) -> ClusterCredentials {
        try DaemonError.wrapping("certificates in \(directory)") { () throws(PKIError) in
            let files = CredentialDirectory(path: directory)
            let seconds = now.seconds
            let authority = try files.authority("ca", commonName: "swiftlet-ca", nowSeconds: seconds)
            let inside = [
                "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.\(clusterDomain)",
                "localhost",
            ]
            func credential(_ name: String, _ request: CertificateRequest) throws(PKIError) -> Credential {
                try files.credential(
                    name, request, authority: authority, nowSeconds: seconds, isRenewed: renewed.contains(name))
            }
            let server = try credential(
                "apiserver",
                .server(
                    commonName: "kube-apiserver", dnsNames: inside + names, addresses: ["127.0.0.1", "::1"] + addresses)
            )
            let admin = try credential(
                "admin", .client(commonName: "kubernetes-admin", organizations: ["system:masters"]))
            let kubeletClient = try credential(
                "apiserver-kubelet-client", .client(commonName: NodeIdentityRequests.apiServer))
            let tokens = try ServiceAccountTokens.load(
                in: directory, issuer: "https://kubernetes.default.svc.\(clusterDomain)")
            return ClusterCredentials(
                authority: authority, server: server, admin: admin, kubeletClient: kubeletClient, tokens: tokens)
        }
    }

    /// Writes the admin's kubeconfig, readable by root only.
    func writeKubeconfig(to path: String, serverURL: String) throws(DaemonError) {
        try DaemonError.wrapping("kubeconfig \(path)") { () throws(PKIError) in
            try Kubeconfig(
                clusterName: "swiftlet", serverURL: serverURL, authorityPEM: authority.certificatePEM, client: admin
            ).write(to: path)
        }
    }
}
