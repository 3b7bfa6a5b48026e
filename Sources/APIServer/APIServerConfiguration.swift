import HTTP

/// What an API server is told at start-up.
package struct APIServerConfiguration: Sendable {
    /// What `kubectl version` prints.
    package var gitVersion = "v1.36.0+swiftlet"
    /// Cluster addresses of Services come from here; the first is the API server's own. IPv4, /12 to /28.
    package var serviceCIDR = "10.96.0.0/16"
    package var nodePorts: ClosedRange<Int> = 30000...32767
    /// Where pods reach this server: what the `kubernetes` Service's EndpointSlice holds.
    package var advertiseAddress = "127.0.0.1"
    package var advertisePort = 6443
    /// The node that this server runs on, which gets the role `control-plane`; "" for none.
    package var nodeName = ""
    /// Where the store lies, for messages.
    package var storeDirectory = ""
    /// Whom service account tokens must be meant for, to be good here; the first is what tokens get that name none.
    package var audiences = ["https://kubernetes.default.svc.cluster.local"]
    /// The authority that signed this server's certificate, as PEM: every namespace gets it in the ConfigMap kube-root-ca.crt, for pods
    /// that call the API. "" where pods are to find it elsewhere.
    package var clusterAuthority = ""
    package var limits = Limits()

    package init() {}

    package struct Limits: Sendable {
        /// Reads at a time; one more is answered 429. Watches, logs and sessions do not count once they run. The cluster's components have as many
        /// again for themselves.
        package var readsInFlight = 400
        /// Writes at a time; one more is answered 429. The components have as many again.
        package var writesInFlight = 200
        /// How long a request waits for the disk.
        package var writePatience: Duration = .seconds(30)
        package var bodyBytes = 3 << 20
        package var objectBytes = 1536 << 10
        /// How long an Event is kept.
        package var eventLifetime: Duration = .seconds(3600)
    }
}
