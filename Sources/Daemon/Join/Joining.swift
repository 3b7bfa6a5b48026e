import Linux
import Logging
import PKI

/// Comes to a membership: reads it, joins with a token, or renews it.
struct Joining: Sendable {
    let files: MembershipFiles
    let node: String
    let server: JoinClient
    let token: JoinToken?
    /// Seconds since 1970.
    let now: Int64
    let logger: Logger
    /// An address of a pod that runs here; nil where none has one.
    var podAddress: @Sendable () throws(DaemonError) -> IPv4Address? = { () throws(DaemonError) in nil }

    /// What is to be done with what is on disk. Pure.
    enum Step: Sendable, Hashable {
        case keep
        case renew
        case join
        case refuse(String)

        /// - Parameters:
        ///   - fingerprint: of the authority that is trusted so far; nil where this machine has not joined.
        ///   - isExpired: the server takes the old certificates for no proof any more.
        static func decide(
            fingerprint: String?, token: JoinToken?, isDue: Bool, isExpired: Bool, node: String
        ) -> Step {
            guard let fingerprint else {
                return token == nil
                    ? .refuse(
                        "this machine has not joined as node \(node) yet and needs a token: get one on the server with "
                            + "`swiftlet token create`, and give it with --token or --token-file") : .join
            }
            if let token, token.fingerprint != fingerprint {
                return .refuse(
                    "this machine belongs to another cluster than the token (authority \(fingerprint)); "
                        + "take it out of that one first: swiftlet uninstall")
            }
            if isExpired, token != nil { return .join }
            return isDue || isExpired ? .renew : .keep
        }
    }

    func run() async throws(DaemonError) -> Membership {
        let present = try files.load(node)
        let step = Step.decide(
            fingerprint: try present.map { (old) throws(DaemonError) in try fingerprint(old) }, token: token,
            isDue: present.map { isDue($0) } ?? false,
            isExpired: present.map { min($0.client.notAfterSeconds, $0.kubelet.notAfterSeconds) <= now } ?? false,
            node: node)
        switch (step, present) {
        case (.refuse(let why), _): throw DaemonError(why)
        case (.keep, let present?): return present
        case (.renew, let present?): return await renewedOrPresent(present)
        default:
            guard let token else { throw DaemonError("a token is needed to join; give it with --token") }
            try checkName()
            let authority = try await server.authority(pinnedBy: token)
            logger.info("joining", metadata: ["server": "\(server.server)", "node": "\(node)"])
            return try await ask(.token(token), authorityPEM: authority.certificatePEM, podNetwork: "")
        }
    }

    /// Pods stay with the node whose they are: their addresses are of its share.
    private func checkName() throws(DaemonError) {
        guard let former = try files.formerName(than: node), let address = try podAddress() else { return }
        throw DaemonError(
            "this machine has joined as node \(former), and pods of it run here, such as the one with address \(address): "
                + "start it with node-name=\(former), or end them first with `swiftlet uninstall --keep-data`")
    }

    /// Whether there is something to ask the server for: certificates, or what the cluster is like where its share for this node is not known.
    private func isDue(_ present: Membership) -> Bool {
        present.client.needsRenewal(at: now) || present.kubelet.needsRenewal(at: now)
            || present.cluster.podNetwork.isEmpty
    }

    private func fingerprint(_ membership: Membership) throws(DaemonError) -> String {
        try DaemonError.wrapping("membership in \(files.path)") { () throws(PKIError) in
            try PinnedAuthority(pem: membership.authorityPEM, object: "\(files.path)/ca.crt").fingerprint
        }
    }

    /// A machine that has joined starts also where its certificates cannot be renewed yet: what runs here needs no server.
    private func renewedOrPresent(_ present: Membership) async -> Membership {
        do throws(DaemonError) {
            return try await renewed(present)
        } catch {
            logger.warning("certificates are not renewed yet", metadata: ["error": "\(error)"])
            return present
        }
    }

    /// Gets both certificates anew. The old one is the proof of who asks; where it has ended, or the server's clock says so, the password is.
    func renewed(_ present: Membership) async throws(DaemonError) -> Membership {
        var proofs: [JoinClient.Proof] = [.password]
        if present.client.notAfterSeconds > now { proofs.insert(.certificate(present.client), at: 0) }
        var failure = DaemonError("no proof")
        for proof in proofs {
            do throws(DaemonError) {
                return try await ask(
                    proof, authorityPEM: present.authorityPEM, podNetwork: present.cluster.podNetwork)
            } catch {
                failure = error
            }
        }
        throw failure
    }

    private func ask(
        _ proof: JoinClient.Proof, authorityPEM: String, podNetwork: String
    ) async throws(DaemonError) -> Membership {
        let (client, kubelet) = try DaemonError.wrapping("join") {
            () throws(PKIError) -> (SigningRequest, SigningRequest) in
            (try SigningRequest(commonName: "system:node:\(node)"), try SigningRequest(commonName: node))
        }
        let request = JoinRequest(
            node: node, password: try files.password(), client: client.requestPEM, kubelet: kubelet.requestPEM)
        let answer = try await server.join(request, proof, authorityPEM: authorityPEM)
        let (signed, serving) = try DaemonError.wrapping("join") { () throws(PKIError) -> (Credential, Credential) in
            (
                try client.credential(
                    certificatePEM: answer.clientCertificate, object: "the client certificate from \(server.server)"),
                try kubelet.credential(
                    certificatePEM: answer.kubeletCertificate, object: "the kubelet's certificate from \(server.server)"
                )
            )
        }
        var cluster = answer.cluster
        cluster.podNetwork = podNetwork
        try files.save(authority: authorityPEM, client: signed, kubelet: serving)
        try files.save(cluster)
        return Membership(
            authorityPEM: authorityPEM, client: signed, kubelet: serving, cluster: cluster, files: files, node: node)
    }
}
