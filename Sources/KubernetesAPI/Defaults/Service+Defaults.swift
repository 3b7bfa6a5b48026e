import APIMachinery
import JSONTree

extension Service {
    /// Keeps what was allocated where an update leaves it out, as clients do that read, change and apply a manifest; and lets go of what the new type
    /// has no use for, where the client did not change it.
    mutating func prepare(_ old: Service?) {
        guard let old else { return }
        var spec = self.spec
        spec.dropUnneeded(of: old.spec)
        if old.spec.type != "ExternalName", spec.type != "ExternalName" {
            spec.keepAddresses(of: old.spec)
            if spec.needsNodePorts && old.spec.needsNodePorts { spec.keepNodePorts(of: old.spec) }
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

    /// Whether a load balancer asks each node on a port of its own if it has endpoints.
    package var needsHealthCheck: Bool {
        self.type == "LoadBalancer" && self.externalTrafficPolicy == "Local"
    }

    fileprivate mutating func dropUnneeded(of old: ServiceSpec) {
        var fields: [String] = []
        if old.type != "ExternalName", self.type == "ExternalName" {
            fields += ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"]
        }
        if old.isReachedFromOutside, !isReachedFromOutside { fields.append("externalTrafficPolicy") }
        if old.needsHealthCheck, !needsHealthCheck { fields.append("healthCheckNodePort") }
        if old.type == "LoadBalancer", self.type != "LoadBalancer" {
            fields += ["allocateLoadBalancerNodePorts", "loadBalancerClass"]
        }
        for field in fields where storage[field] == old.storage[field] { storage[field] = nil }
        guard old.needsNodePorts, !needsNodePorts, storage["ports"] != nil,
            self.ports.map({ $0.nodePort ?? 0 }) == old.ports.map({ $0.nodePort ?? 0 })
        else { return }
        self.ports = self.ports.map { port in
            var port = port
            port.nodePort = nil
            return port
        }
    }

    /// A client that knows one of the two names of its address changes that one.
    fileprivate mutating func keepAddresses(of old: ServiceSpec) {
        if self.clusterIP ?? "" == "", self.clusterIPs.isEmpty {
            self.clusterIP = old.clusterIP
            storage["clusterIPs"] = old.storage["clusterIPs"]
        } else if let address = self.clusterIP, address != old.clusterIP, self.clusterIPs == old.clusterIPs,
            !self.clusterIPs.isEmpty
        {
            self.clusterIPs = [address] + self.clusterIPs.dropFirst()
        }
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
