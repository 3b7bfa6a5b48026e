import JSONTree
import PKI

/// The way by which a machine joins: two paths beside Kubernetes' own.
enum JoinPaths {
    static let prefix = "/swiftlet/"
    /// GET, by anybody: the authority's certificate. Whoever asks checks its fingerprint.
    static let authority = "/swiftlet/v1/authority"
    /// POST, with a join token, a node's certificate or a known node's password: certificates for a node.
    static let join = "/swiftlet/v1/join"
}

/// What a machine asks for.
struct JoinRequest: Sendable, Hashable {
    var node: String
    /// Binds the node's name to this machine: `Secrets.make`.
    var password: String
    /// Signing requests for the certificate towards the API server and for the one that the kubelet serves with.
    var client: String
    var kubelet: String

    init(node: String, password: String, client: String, kubelet: String) {
        self.node = node
        self.password = password
        self.client = client
        self.kubelet = kubelet
    }

    init?(json: JSONValue) {
        guard let node = json["node"]?.string, let password = json["password"]?.string,
            let client = json["clientRequest"]?.string, let kubelet = json["kubeletRequest"]?.string
        else { return nil }
        self.init(node: node, password: password, client: client, kubelet: kubelet)
    }

    var json: JSONValue {
        [
            "node": .string(node), "password": .string(password), "clientRequest": .string(client),
            "kubeletRequest": .string(kubelet),
        ]
    }
}

/// What it gets.
struct JoinAnswer: Sendable, Hashable {
    var clientCertificate: String
    var kubeletCertificate: String
    var cluster: ClusterFacts

    init(clientCertificate: String, kubeletCertificate: String, cluster: ClusterFacts) {
        self.clientCertificate = clientCertificate
        self.kubeletCertificate = kubeletCertificate
        self.cluster = cluster
    }

    init?(json: JSONValue) {
        guard let client = json["clientCertificate"]?.string, let kubelet = json["kubeletCertificate"]?.string,
            let cluster = json["cluster"].flatMap(ClusterFacts.init(json:))
        else { return nil }
        self.init(clientCertificate: client, kubeletCertificate: kubelet, cluster: cluster)
    }

    var json: JSONValue {
        [
            "clientCertificate": .string(clientCertificate), "kubeletCertificate": .string(kubeletCertificate),
            "cluster": cluster.json,
        ]
    }
}

/// What all nodes of a cluster must agree on, and what this one was given.
struct ClusterFacts: Sendable, Hashable {
    var clusterNetwork: String
    var serviceNetwork: String
    var clusterDomain: String
    /// This node's share of the pod network; "" until it is known.
    var podNetwork = ""

    init(clusterNetwork: String, serviceNetwork: String, clusterDomain: String) {
        self.clusterNetwork = clusterNetwork
        self.serviceNetwork = serviceNetwork
        self.clusterDomain = clusterDomain
    }

    init?(json: JSONValue) {
        guard let clusterNetwork = json["clusterNetwork"]?.string, let serviceNetwork = json["serviceNetwork"]?.string,
            let clusterDomain = json["clusterDomain"]?.string
        else { return nil }
        self.init(clusterNetwork: clusterNetwork, serviceNetwork: serviceNetwork, clusterDomain: clusterDomain)
        podNetwork = json["podNetwork"]?.string ?? ""
    }

    init?(text: String) {
        guard let json = try? JSONValue(parsing: Array(text.utf8)) else { return nil }
        self.init(json: json)
    }

    var json: JSONValue {
        [
            "clusterNetwork": .string(clusterNetwork), "serviceNetwork": .string(serviceNetwork),
            "clusterDomain": .string(clusterDomain), "podNetwork": .string(podNetwork),
        ]
    }
}

/// What a node's two certificates say.
enum NodeIdentityRequests {
    static func client(_ node: String) -> CertificateRequest {
        .client(commonName: "system:node:\(node)", organizations: ["system:nodes"])
    }

    /// Under a name that nobody but the API server looks for, and without addresses: a node's certificate can never pass for another server's.
    static func kubelet(_ node: String) -> CertificateRequest {
        .server(commonName: node, dnsNames: [serverName(node)], addresses: [])
    }

    static func serverName(_ node: String) -> String { "\(node).node.swiftlet.internal" }

    /// The API server towards kubelets.
    static let apiServer = "kube-apiserver-kubelet-client"
}
