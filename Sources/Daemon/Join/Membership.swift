import APIMachinery
import Client
import Glibc
import HTTP
import JSONTree
import KubernetesAPI
import Logging
import PKI
import PodNetwork
import Transport

/// A machine's place in a cluster: its certificates, the authority it trusts and what it was told, kept in `<data-dir>/agent`.
///
/// Once joined, a start needs neither the token nor the server.
struct Membership: Sendable {
    let authorityPEM: String
    let client: Credential
    let kubelet: Credential
    private(set) var cluster: ClusterFacts

    let files: MembershipFiles
    private let node: String

    /// Reads what is there; joins where nothing is, or where it is for another node name.
    static func open(
        _ configuration: DaemonConfiguration, _ instance: InstanceFiles, node: String, threads: IOThreads,
        time: any TimeSource, logger: Logger
    ) async throws(DaemonError) -> Membership {
        let join = Joining(
            files: MembershipFiles(configuration), node: node,
            server: JoinClient(server: try ServerAddress(configuration.serverURL), threads: threads),
            token: try configuration.joinToken(), now: time.now().seconds, logger: logger
        ) { () throws(DaemonError) in
            guard let name = InstanceName(instance.id) else { return nil }
            let state = configuration.networkState
            return try DaemonError.wrapping("pod network") { () throws(PodNetworkError) in
                try PodNetworkInventory(instance: name, stateDirectory: state).linked(instance: name).first
            }
        }
        return try await join.run()
    }

    init(
        authorityPEM: String, client: Credential, kubelet: Credential, cluster: ClusterFacts,
        files: MembershipFiles, node: String
    ) {
        self.authorityPEM = authorityPEM
        self.client = client
        self.kubelet = kubelet
        self.cluster = cluster
        self.files = files
        self.node = node
    }

    /// What `swiftlet certs` shows, under the names of the files.
    var summaries: [CertificateSummary] {
        [try? CertificateSummary("ca", pem: authorityPEM), client.summary("client"), kubelet.summary("kubelet")]
            .compactMap { $0 }
    }

    /// As whom this node comes to the API server.
    var clientTLS: ClientTLS {
        ClientTLS(trust: .authority(authorityPEM), certificatePEM: client.certificatePEM, keyPEM: client.keyPEM)
    }

    /// How the API server is reached as this node.
    func api(_ server: ServerAddress, threads: IOThreads) throws(DaemonError) -> HTTPClient {
        let tls = clientTLS
        return try DaemonError.wrapping("\(server)") { () throws(TransportError) in
            try HTTPClient(.https(host: server.host, port: server.port, tls), threads: threads)
        }
    }

    /// How the kubelet serves: to the API server, by its certificate.
    var kubeletTLS: ServerTLS {
        ServerTLS(certificatePEM: kubelet.certificatePEM, keyPEM: kubelet.keyPEM, clientAuthorityPEM: authorityPEM)
    }

    /// Waits until the server has given this node its pods' network, and keeps it. Nothing is asked where it is known.
    /// - Throws: where that takes more than a minute.
    mutating func awaitPodNetwork(_ api: APIClient, time: any TimeSource) async throws(DaemonError) {
        guard cluster.podNetwork.isEmpty else { return }
        guard let network = await Self.podNetwork(of: node, api, time: time) else {
            throw DaemonError(
                "the server has given the node \(node) no pod network within a minute; see its log, "
                    + "and `kubectl describe node \(node)`")
        }
        cluster.podNetwork = network
        try files.save(cluster)
    }

    private static func podNetwork(of node: String, _ api: APIClient, time: any TimeSource) async -> String? {
        var selection = ListOptions()
        selection.fieldSelector = "metadata.name=\(node)"
        let nodes = Informer(Node.self, client: api, selection: selection, time: time)
        return await withTaskGroup(of: String?.self) { group in
            group.addTask {
                await nodes.run()
                return nil
            }
            group.addTask {
                try? await time.sleep(for: .seconds(60))
                return nil
            }
            group.addTask {
                for await event in nodes.subscribe() {
                    switch event {
                    case .added(let node), .updated(_, let node):
                        if let network = node.spec.podCIDR, !network.isEmpty { return network }
                    case .deleted, .synced: continue
                    }
                }
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }
}

/// The files of a membership.
struct MembershipFiles: Sendable {
    let path: String

    init(path: String) {
        self.path = path
    }

    init(_ configuration: DaemonConfiguration) {
        self.init(path: "\(configuration.dataDirectory)/agent")
    }

    var credentials: CredentialDirectory { CredentialDirectory(path: path) }
    private var authorityPath: String { "\(path)/ca.crt" }
    private var passwordPath: String { "\(path)/node-password" }
    private var clusterPath: String { "\(path)/cluster.json" }

    /// Nil where this machine has joined no cluster.
    func load(_ node: String) throws(DaemonError) -> Membership? {
        let (files, authorityPath, clusterPath, path) = (credentials, authorityPath, clusterPath, path)
        let loaded = try DaemonError.wrapping("membership in \(path)") {
            () throws(PKIError) -> (String, Credential, Credential, String)? in
            guard let authority = try readFile(authorityPath), let client = try files.load("client"),
                let kubelet = try files.load("kubelet"), let facts = try readFile(clusterPath)
            else { return nil }
            return (authority, client, kubelet, facts)
        }
        guard let (authority, client, kubelet, facts) = loaded,
            client.says(NodeIdentityRequests.client(node)), kubelet.says(NodeIdentityRequests.kubelet(node))
        else { return nil }
        guard let cluster = ClusterFacts(text: facts) else {
            throw DaemonError("\(clusterPath) cannot be read; remove it and join again with --token")
        }
        return Membership(
            authorityPEM: authority, client: client, kubelet: kubelet, cluster: cluster, files: self, node: node)
    }

    /// The name that this machine has joined by, where that is another; nil where it has joined no cluster.
    func formerName(than node: String) throws(DaemonError) -> String? {
        let files = credentials
        let kubelet = try DaemonError.wrapping("membership in \(path)") { () throws(PKIError) in
            try files.load("kubelet")
        }
        guard let name = kubelet?.commonName, name != node else { return nil }
        return name
    }

    func save(authority: String, client: Credential, kubelet: Credential) throws(DaemonError) {
        let (files, authorityPath, path) = (credentials, authorityPath, path)
        try DaemonError.wrapping("membership in \(path)") { () throws(PKIError) in
            try files.save(client, as: "client")
            try files.save(kubelet, as: "kubelet")
            try replaceFile(authorityPath, with: authority, mode: 0o644)
        }
    }

    func save(_ cluster: ClusterFacts) throws(DaemonError) {
        let (clusterPath, path) = (clusterPath, path)
        try DaemonError.wrapping("membership in \(path)") { () throws(PKIError) in
            try replaceFile(
                clusterPath, with: String(decoding: cluster.json.encoded(isPretty: true), as: UTF8.self) + "\n",
                mode: 0o644)
        }
    }

    /// Lets the next start ask the server for the pods' network. Nothing where this machine has joined no cluster.
    func forgetPodNetwork() throws(DaemonError) {
        let (clusterPath, path) = (clusterPath, path)
        let facts = try DaemonError.wrapping("membership in \(path)") { () throws(PKIError) in
            try readFile(clusterPath)
        }
        guard var cluster = facts.flatMap({ ClusterFacts(text: $0) }) else { return }
        cluster.podNetwork = ""
        try save(cluster)
    }

    /// The password that binds the node's name to this machine; made at the first call.
    func password() throws(DaemonError) -> String {
        let (passwordPath, path) = (passwordPath, path)
        return try DaemonError.wrapping("membership in \(path)") { () throws(PKIError) in
            if let present = try readFile(passwordPath) { return present.filter { !$0.isWhitespace } }
            mkdir(path, 0o700)
            let fresh = Secrets.make()
            try replaceFile(passwordPath, with: fresh + "\n", mode: 0o600)
            return fresh
        }
    }
}
