import ContainerRuntime
import Glibc
import Kubelet

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

    /// One setting: its name, what it is, how its text is taken and given.
    package struct Setting: Sendable {
        package let name: String
        package let summary: String
        let read: @Sendable (DaemonConfiguration) -> String
        let set: @Sendable (inout DaemonConfiguration, String) throws(DaemonError) -> Void
    }

    /// The settings for `--help`: the name, what it is, and the default where it has one, each on a line.
    package static var settingsHelp: String {
        settings.map { setting in
            let value = setting.read(DaemonConfiguration())
            return "  --\(setting.name)\n      \(setting.summary)" + (value.isEmpty ? "" : "\n      default: \(value)")
        }.joined(separator: "\n")
    }

    package static let settings: [Setting] = [
        .text("data-dir", "Directory of the store, images and volumes.", \.dataDirectory, mustBeAbsolute: true),
        .text("run-dir", "Directory of sockets and of what one boot holds.", \.runDirectory, mustBeAbsolute: true),
        .text(
            "config-dir", "Directory of certificates and the admin kubeconfig.", \.configDirectory, mustBeAbsolute: true
        ),
        .text("log-dir", "Directory of containers' logs.", \.logDirectory, mustBeAbsolute: true),
        .text("manifest-dir", "Directory of static pods' manifests.", \.manifestDirectory, mustBeAbsolute: true),
        .text("node-name", "Name of this node.", \.nodeName),
        .text("node-address", "Address that others reach this node by.", \.nodeAddress),
        .text("bind-address", "Address that the API server listens on.", \.bindAddress),
        .number("port", "Port of the API server.", \.port, 1...65535),
        .text("cluster-cidr", "Network of all pods.", \.clusterNetwork),
        .text("pod-cidr", "Network of this node's pods.", \.podNetwork),
        .number("node-cidr-mask-size", "Prefix length of a joining node's share.", \.nodePrefix, 16...29),
        .text("service-cidr", "Network of Services.", \.serviceNetwork),
        .text("cluster-domain", "DNS domain of the cluster.", \.clusterDomain),
        .number("max-pods", "Most pods on this node.", \.maximumPods, 1...10_000),
        .number(
            "pod-max-pids", "Most processes in a pod; 0: a share of the kernel's.", \.processesPerPod, 0...4_194_304),
        .reserved("kube-reserved", "Kept from pods for Swiftlet, such as cpu=100m,memory=200Mi.", \.kubeReserved),
        .reserved("system-reserved", "Kept from pods for the system.", \.systemReserved),
        .sysctls(
            "allowed-unsafe-sysctls", "Kernel parameters for pods besides the safe ones, such as kernel.msg*.",
            \.unsafeSysctls),
        .eviction("eviction-hard", "Levels beneath which pods are evicted; empty: none.", \.evictionHard) {
            text throws(EvictionSettingError) in try EvictionSettings(hard: text)
        },
        .eviction(
            "eviction-soft-grace-period", "How long those of eviction-soft may last, such as memory.available=90s.",
            \.evictionSoftGrace
        ) { text throws(EvictionSettingError) in try EvictionSettings(graces: text) },
        .text("eviction-soft", "Levels beneath which pods are evicted after a while.", \.evictionSoft),
        .number(
            "eviction-max-pod-grace-period", "Seconds that a pod has that eviction-soft evicts.",
            \.evictionMaximumGrace, 0...3_600),
        .number(
            "eviction-pressure-transition-period", "Seconds that a node stays under pressure.", \.evictionTransition,
            0...86_400),
        .number(
            "image-gc-high-threshold", "Percent of the disk from which unused images are removed.", \.imageHighShare,
            0...100),
        .number("image-gc-low-threshold", "Percent of the disk to which they are.", \.imageLowShare, 0...100),
        .text("cgroup-parent", "Unified cgroup that the instance's own is made under.", \.cgroupParent),
        .text("monitor-path", "The pod monitor's executable.", \.monitorPath, mustBeAbsolute: true),
        .registries(
            "registries", "Mirrors and plain registries, such as docker.io=https://mirror.example.",
            \.registries),
        .authorities(
            "registry-ca", "Authorities of registries, such as build.local:5000=/etc/ssl/build.pem.",
            \.registryAuthorities),
        .text(
            "registry-certs", "Directories of HOST[:PORT]/ca.crt, client.cert and client.key.",
            \.registryCertificates, mustBeAbsolute: true),
        .flag("stop-pods-on-exit", "Stop all pods when the daemon is stopped.", \.stopsPodsOnExit),
        .number(
            "shutdown-grace-period", "Seconds that pods have at the machine's shutdown.", \.shutdownGrace, 0...3_600),
        .number(
            "shutdown-grace-period-critical-pods", "Seconds of them kept for critical pods.", \.criticalShutdownGrace,
            0...3_600),
        .text("tls-san", "Further names and addresses of the server, between commas.", \.serverNames),
        .text("server", "Agent: the server to join, such as https://192.0.2.1:6443.", \.serverURL),
        .text("token", "Agent: what `swiftlet token create` printed.", \.token),
        .text("token-file", "Agent: a file with the token.", \.tokenFile, mustBeAbsolute: true),
        .number("kubelet-port", "Agent: port on which the API server reaches it.", \.kubeletPort, 1...65535),
        .text("cri-listen", "Socket on which the runtime is served as the CRI; none: nowhere.", \.criListen),
        .paths("cdi-spec-dirs", "Directories of files that describe devices (CDI), between commas.", \.deviceFiles),
        .text(
            "container-runtime-endpoint",
            "Another runtime for pods, such as unix:///run/containerd/containerd.sock.", \.runtimeEndpoint),
        .text("log-level", "trace, debug, info, notice, warning, error or critical.", \.logLevel),
    ]

    /// Takes one setting by its name.
    package mutating func set(_ name: String, to text: String) throws(DaemonError) {
        guard let setting = Self.settings.first(where: { $0.name == name }) else {
            let near = NearWords.of(name, among: Self.settings.map(\.name))
            let guess = near.isEmpty ? "" : "did you mean \(near.joined(separator: ", "))? "
            throw DaemonError("there is no setting \"\(name)\"; \(guess)`swiftlet server --help` lists all")
        }
        try setting.set(&self, text)
    }
}

extension DaemonConfiguration.Setting {
    fileprivate typealias Path<Value> = WritableKeyPath<DaemonConfiguration, Value> & Sendable

    private init(
        _ name: String, _ summary: String, _ path: Path<some CustomStringConvertible & Sendable>,
        set: @escaping @Sendable (inout DaemonConfiguration, String) throws(DaemonError) -> Void
    ) {
        self.init(name: name, summary: summary, read: { $0[keyPath: path].description }, set: set)
    }

    fileprivate static func text(
        _ name: String, _ summary: String, _ path: Path<String>, mustBeAbsolute: Bool = false
    ) -> Self {
        Self(name, summary, path) { configuration, text throws(DaemonError) in
            guard !mustBeAbsolute || text.hasPrefix("/") else {
                throw DaemonError("\(name) must be an absolute path, not \"\(text)\"")
            }
            configuration[keyPath: path] = text
        }
    }

    fileprivate static func paths(_ name: String, _ summary: String, _ path: Path<String>) -> Self {
        Self(name, summary, path) { configuration, text throws(DaemonError) in
            guard text.split(separator: ",").allSatisfy({ $0.hasPrefix("/") }) else {
                throw DaemonError("\(name) must be absolute paths between commas, not \"\(text)\"")
            }
            configuration[keyPath: path] = text
        }
    }

    fileprivate static func number(
        _ name: String, _ summary: String, _ path: Path<Int>, _ range: ClosedRange<Int>
    ) -> Self {
        Self(name, summary, path) { configuration, text throws(DaemonError) in
            guard let value = Int(text), range.contains(value) else {
                throw DaemonError(
                    "\(name) must be a number from \(range.lowerBound) to \(range.upperBound), not \"\(text)\"")
            }
            configuration[keyPath: path] = value
        }
    }

    fileprivate static func reserved(_ name: String, _ summary: String, _ path: Path<String>) -> Self {
        Self(name, summary, path) { configuration, text throws(DaemonError) in
            var reserved = ReservedResources()
            if let problem = reserved.add(text) { throw DaemonError("\(name): \(problem)") }
            configuration[keyPath: path] = text
        }
    }

    fileprivate static func eviction(
        _ name: String, _ summary: String, _ path: Path<String>,
        _ check: @escaping @Sendable (String) throws(EvictionSettingError) -> EvictionSettings
    ) -> Self {
        Self(name, summary, path) { configuration, text throws(DaemonError) in
            do throws(EvictionSettingError) {
                _ = try check(text)
            } catch {
                throw DaemonError("\(name): \(error)")
            }
            configuration[keyPath: path] = text
        }
    }

    fileprivate static func sysctls(_ name: String, _ summary: String, _ path: Path<String>) -> Self {
        Self(name, summary, path) { configuration, text throws(DaemonError) in
            configuration[keyPath: path] = text
            _ = try configuration.sysctls()
        }
    }

    fileprivate static func registries(_ name: String, _ summary: String, _ path: Path<String>) -> Self {
        Self(name, summary, path) { configuration, text throws(DaemonError) in
            do throws(RegistryHostsError) {
                _ = try RegistryHosts(text)
            } catch {
                throw DaemonError("\(name): \(error)")
            }
            configuration[keyPath: path] = text
        }
    }

    fileprivate static func authorities(_ name: String, _ summary: String, _ path: Path<String>) -> Self {
        Self(name, summary, path) { configuration, text throws(DaemonError) in
            _ = try RegistryAuthorities.entries(text)
            configuration[keyPath: path] = text
        }
    }

    fileprivate static func flag(_ name: String, _ summary: String, _ path: Path<Bool>) -> Self {
        Self(name, summary, path) { configuration, text throws(DaemonError) in
            guard ["true", "false"].contains(text) else {
                throw DaemonError("\(name) must be true or false, not \"\(text)\"")
            }
            configuration[keyPath: path] = text == "true"
        }
    }
}
