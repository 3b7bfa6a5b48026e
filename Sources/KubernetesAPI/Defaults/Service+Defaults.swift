import APIMachinery
import JSONTree

extension Service {
    /// Keeps what was allocated where an update leaves it out, as clients do that read, change and apply a manifest.
    mutating func prepare(_ old: Service?) {
        guard let old, old.spec.type != "ExternalName", self.spec.type != "ExternalName" else { return }
        var spec = self.spec
        if spec.clusterIP ?? "" == "", spec.clusterIPs.isEmpty {
            spec.clusterIP = old.spec.clusterIP
            spec.storage["clusterIPs"] = old.spec.storage["clusterIPs"]
        }
        if spec.needsNodePorts && old.spec.needsNodePorts {
            spec.keepNodePorts(of: old.spec)
        }
        self.spec = spec
    }

    mutating func complete() {
        var spec = self.spec
        if storage["spec"]?["ports"] != nil {
            spec.ports = spec.ports.map { $0.completed() }
        }
        if spec.sessionAffinity == "ClientIP" {
            var client = spec.sessionAffinityConfig?.clientIP ?? ClientIPConfig()
            client.timeoutSeconds = client.timeoutSeconds ?? 10_800
            spec.sessionAffinityConfig = SessionAffinityConfig { $0.clientIP = client }
        } else {
            spec.sessionAffinityConfig = nil
        }
        spec.completeTraffic()
        spec.completeAddresses()
        self.spec = spec
    }
}

extension ServicePort {
    fileprivate func completed() -> ServicePort {
        var port = self
        switch self.targetPort {
        case nil, .integer(0), .string(""): port.targetPort = .integer(self.port)
        default: break
        }
        return port
    }
}

extension ServiceSpec {
    /// Whether each port is also served on a port of every node.
    package var needsNodePorts: Bool {
        self.type == "NodePort" || self.type == "LoadBalancer" && self.allocateLoadBalancerNodePorts != false
    }

    /// Whether traffic comes from outside the cluster.
    package var isReachedFromOutside: Bool {
        self.type == "NodePort" || self.type == "LoadBalancer" || self.type == "ClusterIP" && !self.externalIPs.isEmpty
    }

    fileprivate mutating func keepNodePorts(of old: ServiceSpec) {
        let known = old.ports
        self.ports = self.ports.map { port in
            guard port.nodePort ?? 0 == 0 else { return port }
            var port = port
            port.nodePort = known.first { $0.port == port.port && $0.protocol == port.protocol }?.nodePort
            return port
        }
    }

    fileprivate mutating func completeTraffic() {
        if self.type == "LoadBalancer", self.allocateLoadBalancerNodePorts == nil {
            self.allocateLoadBalancerNodePorts = true
        }
        if isReachedFromOutside, self.externalTrafficPolicy == nil { self.externalTrafficPolicy = "Cluster" }
        if self.type != "ExternalName", self.internalTrafficPolicy == nil { self.internalTrafficPolicy = "Cluster" }
    }

    /// clusterIP and clusterIPs say the same; the family follows from the address.
    fileprivate mutating func completeAddresses() {
        guard self.type != "ExternalName" else { return }
        if let address = self.clusterIP, !address.isEmpty {
            if self.clusterIPs.isEmpty { self.clusterIPs = [address] }
        } else if let first = self.clusterIPs.first {
            self.clusterIP = first
        }
        if self.ipFamilyPolicy == nil { self.ipFamilyPolicy = "SingleStack" }
        if self.ipFamilies.isEmpty {
            self.ipFamilies = [self.clusterIP?.contains(":") == true ? "IPv6" : "IPv4"]
        }
    }
}
