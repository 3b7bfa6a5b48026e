import APIMachinery
import CRI
import KubernetesAPI

extension PodExecutor {
    func createSandbox(_ pod: Pod, attempt: UInt32) async throws(OperationError) {
        if let demand = pod.unmetDemand { throw OperationError("FailedCreatePodSandBox", demand) }
        if pod.hasOwnUsers || pod.hasStrictGroups { try await checkRuntime(for: pod) }
        let config = sandboxConfig(pod, attempt: attempt, users: try await users(of: pod))
        guard config.hostname.utf8.count <= Self.longestHostname else {
            throw OperationError(
                "FailedCreatePodSandBox",
                "the pod's host name \"\(config.hostname)\" is longer than \(Self.longestHostname) characters, which is the "
                    + "most that Linux takes; shorten hostname or subdomain, or leave setHostnameAsFQDN out")
        }
        _ = try await criOperation("FailedCreatePodSandBox") { () async throws(CRIError) in
            try await runtime.runPodSandbox(config)
        }
    }

    /// What is left of a sandbox that another is to take the place of.
    func stopLost(_ sandbox: PodSandboxStatus) async throws(OperationError) {
        try await criOperation("FailedKillPod") { () async throws(CRIError) in
            try await runtime.stopPodSandbox(sandbox.id)
        }
    }

    private func checkRuntime(for pod: Pod) async throws(OperationError) {
        let status = try await criOperation("FailedCreatePodSandBox") { () async throws(CRIError) in
            try await runtime.status()
        }
        if pod.hasStrictGroups, !status.hasStrictGroups {
            throw OperationError(
                "FailedCreatePodSandBox",
                "supplementalGroupsPolicy: Strict is not supported by the runtime on this node; use Merge")
        }
        guard pod.hasOwnUsers, !status.hasUserNamespaces else { return }
        throw OperationError(
            "FailedCreatePodSandBox",
            "can't set `spec.hostUsers: false`, runtime does not support user namespaces on this node (`swiftlet check` says what "
                + "its kernel lacks); leave hostUsers out to run the pod with the node's users")
    }

    /// nil: the node's.
    func users(of pod: Pod) async throws(OperationError) -> PodUsers? {
        pod.hasOwnUsers ? try await volumes.users(of: pod.metadata.uid) : nil
    }

    /// Pure: the sandbox that the pod's spec asks for.
    func sandboxConfig(_ pod: Pod, attempt: UInt32, users: PodUsers?) -> PodSandboxConfig {
        let meta = pod.metadata
        let spec = pod.spec
        var config = PodSandboxConfig(
            metadata: PodSandboxMetadata(
                name: meta.name, uid: meta.uid, namespace: meta.namespace, attempt: attempt))
        config.hostname = spec.hostNetwork ? node.name : hostname(of: pod)
        config.logDirectory = logDirectory(of: pod)
        config.dns = dns(of: pod)
        config.resources = ContainerResources(of: spec, processLimit: settings.processesPerPod)
        config.cgroupClass = spec.serviceClass.cgroupClass
        config.labels = meta.labels.merging([
            ContainerLabel.podName: meta.name, ContainerLabel.podNamespace: meta.namespace,
            ContainerLabel.podUID: meta.uid,
        ]) { $1 }
        config.network = spec.hostNetwork ? .node : .pod
        config.ipc = spec.hostIPC ? .node : .pod
        config.pid = spec.hostPID ? .node : spec.shareProcessNamespace == true ? .pod : .container
        config.users = users
        config.selinux = spec.securityContext.seLinuxOptions.flatMap(CRI.SELinuxOptions.init)
        if !spec.hostNetwork { config.portMappings = portMappings(spec) }
        for sysctl in spec.securityContext.sysctls { config.sysctls[sysctl.name] = sysctl.value }
        return config
    }

    private func portMappings(_ spec: PodSpec) -> [PortMapping] {
        let sidecars = spec.initContainers.filter { $0.restartPolicy == "Always" }
        return (spec.containers + sidecars).flatMap { $0.ports }.compactMap { port in
            guard let host = UInt16(exactly: port.hostPort ?? 0), host > 0,
                let inside = UInt16(exactly: port.containerPort)
            else { return nil }
            return PortMapping(
                transport: port.protocol, containerPort: inside, hostPort: host, hostAddress: port.hostIP ?? "")
        }
    }

    /// The kernel's `__NEW_UTS_LEN`.
    private static let longestHostname = 64

    /// What `hostname` says inside the pod.
    private func hostname(of pod: Pod) -> String {
        let names = hostNames(of: pod)
        return pod.spec.setHostnameAsFQDN == true ? names.first ?? "" : names.last ?? ""
    }

    /// The pod's names for its hosts file: with a subdomain the full one first, then the short one.
    func hostNames(of pod: Pod) -> [String] {
        if let name = pod.spec.hostnameOverride, !name.isEmpty { return [name] }
        let name = String((pod.spec.hostname ?? pod.metadata.name).prefix(63))
        guard let subdomain = pod.spec.subdomain, !subdomain.isEmpty else { return [name] }
        return ["\(name).\(subdomain).\(pod.metadata.namespace).svc.\(settings.clusterDomain)", name]
    }

    func logDirectory(of pod: Pod) -> String {
        PodDirectories.logs(of: pod, in: settings.logRoot)
    }

    private func dns(of pod: Pod) -> PodSandboxConfig.DNS {
        let host = ResolverConfiguration(settings.hostResolver)
        var dns: PodSandboxConfig.DNS
        let isClusterFirst =
            pod.spec.dnsPolicy == "ClusterFirstWithHostNet"
            || (pod.spec.dnsPolicy == "ClusterFirst" && !pod.spec.hostNetwork)
        if pod.spec.dnsPolicy == "None" {
            dns = PodSandboxConfig.DNS()
        } else if isClusterFirst, !settings.clusterDNS.isEmpty {
            let domain = settings.clusterDomain
            dns = PodSandboxConfig.DNS(
                servers: settings.clusterDNS,
                searches: ["\(pod.metadata.namespace).svc.\(domain)", "svc.\(domain)", domain] + host.searches,
                options: ["ndots:5"])
        } else {
            dns = PodSandboxConfig.DNS(servers: host.servers, searches: host.searches, options: host.options)
        }
        if let custom = pod.spec.dnsConfig {
            dns.servers += custom.nameservers.filter { !dns.servers.contains($0) }
            dns.searches += custom.searches.filter { !dns.searches.contains($0) }
            for option in custom.options {
                guard let name = option.name else { continue }
                dns.options.removeAll { $0 == name || $0.hasPrefix(name + ":") }
                dns.options.append(option.value.map { "\(name):\($0)" } ?? name)
            }
        }
        return dns
    }
}

extension Pod {
    var hasOwnUsers: Bool { self.spec.hostUsers == false }

    /// The groups that the image gives its user are left out.
    var hasStrictGroups: Bool { self.spec.securityContext.supplementalGroupsPolicy == "Strict" }
}

extension PodServiceClass {
    var cgroupClass: CgroupClass {
        switch self {
        case .guaranteed: .guaranteed
        case .burstable: .burstable
        case .bestEffort: .bestEffort
        }
    }
}

/// What a resolv.conf says.
package struct ResolverConfiguration: Sendable, Hashable {
    package var servers: [String] = []
    package var searches: [String] = []
    package var options: [String] = []

    package init(_ text: String) {
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
            switch words.first {
            case "nameserver": servers += words.dropFirst().prefix(1)
            case "search", "domain": searches = Array(words.dropFirst())
            case "options": options += words.dropFirst()
            default: break
            }
        }
    }
}
