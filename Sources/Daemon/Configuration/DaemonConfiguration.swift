import ContainerRuntime
import Controllers
import Glibc
import Kubelet
import Linux
import PodNetwork

/// Everything an operator can set. Every setting has one name, which is its flag (`--data-dir`) and its key in
/// `/etc/swiftlet/config.yaml` (`data-dir:`) alike; a flag wins over the file, the file over the default.
package struct DaemonConfiguration: Sendable, Hashable {
    /// What outlives a reboot: the store, images, containers' writable layers, emptyDir volumes.
    package var dataDirectory = "/var/lib/swiftlet"
    /// Sockets and what is valid for one boot.
    package var runDirectory = "/run/swiftlet"
    /// The configuration file, certificates and the admin kubeconfig.
    package var configDirectory = "/etc/swiftlet"
    package var logDirectory = "/var/log/pods"
    /// Manifests of static pods; empty: `<configDirectory>/manifests`.
    package var manifestDirectory = ""
    /// Empty: the host's name.
    package var nodeName = ""
    /// Empty: the address of the interface with the default route.
    package var nodeAddress = ""
    package var bindAddress = "0.0.0.0"
    package var port = 6443
    package var clusterNetwork = "10.42.0.0/16"
    /// This node's share of the cluster network.
    package var podNetwork = "10.42.0.0/24"
    /// Prefix length of a joining node's share of the cluster network.
    package var nodePrefix = 24
    package var serviceNetwork = "10.43.0.0/16"
    package var clusterDomain = "cluster.local"
    package var maximumPods = 500
    /// The most processes in one pod; 0: an eighth of what the kernel allows, from 256 to 4,096.
    package var processesPerPod = 0
    /// What is kept from pods, such as `cpu=100m,memory=200Mi,pid=500`: for this daemon, and for the system.
    package var kubeReserved = ""
    package var systemReserved = ""
    /// Kernel parameters that pods may set besides the safe ones.
    package var unsafeSysctls = ""
    /// When pods are evicted, in upstream's form; empty: never.
    package var evictionHard = EvictionSettings.defaultHard
    package var evictionSoft = ""
    package var evictionSoftGrace = ""
    /// Seconds.
    package var evictionTransition = 300
    package var evictionMaximumGrace = 0
    /// In a hundred: when unused images are removed, and until when.
    package var imageHighShare = 85
    package var imageLowShare = 80
    /// The unified cgroup that our `swiftlet-<instance>` is made under; empty: the top of the hierarchy.
    package var cgroupParent = ""
    /// Empty: `swiftlet-podmonitor` beside the daemon's own executable.
    package var monitorPath = ""
    package var stopsPodsOnExit = false
    /// Where registries are asked: mirrors, and plain HTTP; see `RegistryHosts`.
    package var registries = ""
    /// A file with the mirrors' own credentials, in the form of docker's `config.json`; see `MirrorCredentials`.
    package var mirrorCredentials = ""
    /// Authorities of registries, as `HOST[:PORT]=FILE`; see `RegistryAuthorities`.
    package var registryAuthorities = ""
    /// Directories with authorities and client certificates of registries, between commas; see `RegistryCertificates`.
    package var registryCertificates = "/etc/swiftlet/certs.d,/etc/containers/certs.d,/etc/docker/certs.d"
    /// Seconds that pods have when the machine shuts down, and how many of them critical pods have for themselves.
    package var shutdownGrace = 30
    package var criticalShutdownGrace = 10
    /// Further names and addresses of the API server, between commas.
    package var serverNames = ""
    /// Of an agent: where its server is, and what it joins with.
    package var serverURL = ""
    package var token = ""
    package var tokenFile = ""
    /// Where an agent answers the API server.
    package var kubeletPort = 10250
    /// Where the CRI is served; empty: `<runDirectory>/cri.sock`, `none`: nowhere.
    package var criListen = ""
    /// Directories of the files that describe devices, between commas; a later one's devices count.
    package var deviceFiles = "/etc/cdi,/var/run/cdi"
    /// Whether SELinux confines the pods that ask for no label too.
    package var labelsEveryPod = false
    /// Another runtime that pods run on, by its CRI socket; empty: our own.
    package var runtimeEndpoint = ""
    package var logLevel = "info"

    package init() {}

    package var manifests: String {
        manifestDirectory.isEmpty ? "\(configDirectory)/manifests" : manifestDirectory
    }

    package var kubeconfigPath: String { "\(configDirectory)/admin.kubeconfig" }
    /// The socket of the CRI; nil: none.
    package var criSocket: String? {
        criListen == "none" || !runtimeEndpoint.isEmpty
            ? nil : criListen.isEmpty ? "\(runDirectory)/cri.sock" : criListen
    }
    /// The socket that the node's own command line talks to.
    package var nodeSocket: String { "\(runDirectory)/node.sock" }
    var storeDirectory: String { "\(dataDirectory)/store" }
    /// Logs of what `swiftlet run` has detached.
    var runLogs: String { "\(dataDirectory)/runs" }
    /// Where the pod network keeps which address is whose.
    var networkState: String { "\(runDirectory)/network" }
}

extension DaemonConfiguration {
    /// Looks at what no setting shows by itself, before anything is made or changed.
    /// - Throws: where settings do not fit each other.
    func check(_ role: InstanceFiles.Role) throws(DaemonError) {
        _ = try eviction()
        // An agent takes the cluster's.
        if role != .agent { _ = try podNetworks(of: "") }
        // At its default it is all of a shorter period.
        let criticalGrace = DaemonConfiguration().criticalShutdownGrace
        guard criticalShutdownGrace <= shutdownGrace || criticalShutdownGrace == criticalGrace else {
            throw DaemonError(
                "shutdown-grace-period-critical-pods (\(criticalShutdownGrace)) is a part of shutdown-grace-period "
                    + "(\(shutdownGrace)) and cannot be more")
        }
        guard serverURL.isEmpty || role != .server else {
            throw DaemonError("the setting server is an agent's: `swiftlet agent` joins \(serverURL)")
        }
    }

    /// Looks at what settings ask of this machine, which may be otherwise at the next try: an address comes with its interface, files and space with their disk.
    /// - Throws: where it is not there.
    func checkMachine(_ role: InstanceFiles.Role) throws(DaemonError) {
        try checkReserved(Machine.facts(self, version: Server.version), processes: Machine.processes)
        _ = try RegistryAuthorities(registryAuthorities)
        try checkAddress(among: Machine.addresses)
        // An agent hears of its networks later.
        if role != .agent { try checkNetworks() }
    }

    private func checkNetworks() throws(DaemonError) {
        let networks = [
            try IPv4Network(podNetwork, of: "pod-cidr"), try IPv4Network(serviceNetwork, of: "service-cidr"),
        ]
        let instance = try InstanceFiles.existingID(self).flatMap { InstanceName($0) }
        try DaemonError.wrapping("pod-cidr and service-cidr") { () throws(PodNetworkError) in
            try HostNetworks.check(networks, of: instance)
        }
    }

    /// - Parameter own: this machine's addresses; empty: not known.
    func checkAddress(among own: [String]) throws(DaemonError) {
        guard nodeAddress.isEmpty || own.isEmpty || own.contains(nodeAddress) else {
            throw DaemonError(
                "node-address \(nodeAddress) is no address of this machine, which has \(own.joined(separator: ", "))")
        }
    }

    /// - Throws: where nothing of the machine is left for pods.
    func checkReserved(_ facts: NodeFacts, processes: Int64) throws(DaemonError) {
        let exhausted = facts.exhausted(try eviction(), processes: processes)
        guard exhausted.isEmpty else {
            throw DaemonError(
                "kube-reserved, system-reserved and eviction-hard leave pods nothing of this machine's "
                    + "\(exhausted.joined(separator: ", ")): lower them")
        }
    }

    /// How the cluster's pod network is shared out; `node`, the server's own, has its share by configuration, so that its pods can start before anything
    /// is asked.
    func podNetworks(of node: String) throws(DaemonError) -> PodNetworks {
        let cluster = try IPv4Network(clusterNetwork, of: "cluster-cidr")
        let own = try IPv4Network(podNetwork, of: "pod-cidr")
        let services = try IPv4Network(serviceNetwork, of: "service-cidr")
        let prefix = max(UInt8(clamping: nodePrefix), cluster.prefixLength)
        guard (16...29).contains(own.prefixLength) else {
            throw DaemonError("pod-cidr \(own): its prefix length must be from 16 to 29")
        }
        guard (12...28).contains(services.prefixLength) else {
            throw DaemonError("service-cidr \(services): its prefix length must be from 12 to 28")
        }
        // It is not taken from another cluster-cidr: that would move the pods of a node that has one already.
        guard cluster.contains(own.address), own.prefixLength >= cluster.prefixLength else {
            throw DaemonError("pod-cidr \(own) must lie within cluster-cidr \(cluster): set both")
        }
        guard !services.overlaps(own) else { throw DaemonError("service-cidr \(services) and pod-cidr \(own) overlap") }
        guard let networks = PodNetworks(cluster: cluster, nodePrefix: prefix, fixed: [node: own]) else {
            throw DaemonError("cluster-cidr \(cluster) is too small to be shared out among nodes")
        }
        return networks
    }

    /// The setting `tls-san`, names and addresses apart.
    var furtherServerNames: (names: [String], addresses: [String]) {
        let all = serverNames.split(separator: ",").map { String($0.trimming(" ")) }.filter { !$0.isEmpty }
        return (all.filter { IPv4Address($0) == nil }, all.filter { IPv4Address($0) != nil })
    }

    /// - Throws: where settings do not fit each other.
    package func eviction() throws(DaemonError) -> EvictionSettings {
        guard imageLowShare < imageHighShare else {
            throw DaemonError(
                "image-gc-low-threshold (\(imageLowShare)) must be below image-gc-high-threshold (\(imageHighShare))")
        }
        do throws(EvictionSettingError) {
            var settings = try EvictionSettings(hard: evictionHard, soft: evictionSoft, graces: evictionSoftGrace)
            settings.transition = .seconds(evictionTransition)
            settings.maximumGrace = .seconds(evictionMaximumGrace)
            settings.imageHighShare = Int64(imageHighShare)
            settings.imageLowShare = Int64(imageLowShare)
            return settings
        } catch {
            throw DaemonError("eviction settings: \(error)")
        }
    }

    package func sysctls() throws(DaemonError) -> SysctlAllowlist {
        do throws(SysctlAllowlistError) {
            return try SysctlAllowlist(unsafeSysctls)
        } catch {
            throw DaemonError("allowed-unsafe-sysctls: \(error)")
        }
    }
}

extension Substring {
    fileprivate func trimming(_ character: Character) -> Substring {
        var text = drop { $0 == character }
        while text.last == character { text.removeLast() }
        return text
    }
}

extension IPv4Network {
    /// A setting's.
    init(_ text: String, of setting: String) throws(DaemonError) {
        guard let network = IPv4Network(text) else {
            throw DaemonError("\(setting) must be an IPv4 network such as 10.42.0.0/16, not \"\(text)\"")
        }
        self = network
    }
}
