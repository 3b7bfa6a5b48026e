import APIMachinery
import Kubelet
import Linux
import Logging

extension DaemonConfiguration {
    /// One setting: its name, what it is, how its text is taken and given.
    package struct Setting: Sendable {
        package let name: String
        package let summary: String
        /// It is true or false, and true where its flag has no value.
        var isFlag = false
        /// What stands between its parts, which a file may give as a list; nil: it has none.
        var separator: String?
        let read: @Sendable (DaemonConfiguration) -> String
        let set: @Sendable (inout DaemonConfiguration, String) throws(DaemonError) -> Void
    }

    /// The settings for `--help`: the name, what it is, and the default where it has one, each on a line.
    package static var settingsHelp: String {
        settings.map { setting in
            // In words, or a long list is not wrapped.
            let value = setting.read(DaemonConfiguration()).replacing(",", with: ", ")
            return "  --\(setting.name)\n      \(setting.summary)" + (value.isEmpty ? "" : "\n      default: \(value)")
        }.joined(separator: "\n")
    }

    package static let settings: [Setting] = [
        .text("data-dir", "Directory of the store, images and volumes.", \.dataDirectory, mustBeAbsolute: true),
        .text(
            "run-dir", "Directory of sockets and of state that a reboot clears.", \.runDirectory, mustBeAbsolute: true),
        .text(
            "config-dir", "Directory of certificates and the admin kubeconfig.", \.configDirectory, mustBeAbsolute: true
        ),
        .text("log-dir", "Directory of container logs.", \.logDirectory, mustBeAbsolute: true),
        .text(
            "manifest-dir", "Directory of static pod manifests (default: <config-dir>/manifests).", \.manifestDirectory,
            mustBeAbsolute: true),
        .text(
            "node-name", "Name of this node (default: the host name).", \.nodeName, mustBe: "a DNS name in lower case",
            Setting.isDomain),
        .text(
            "node-address", "Address of this node for others (default: that of the default route).", \.nodeAddress,
            mustBe: "an IPv4 address"
        ) { IPv4Address($0) != nil },
        .text(
            "bind-address", "Address that the API server listens on.", \.bindAddress, mustBe: "an IP address",
            IPText.isAddress),
        .number("port", "Port of the API server.", \.port, 1...65535),
        .network("cluster-cidr", "Network of all pods.", \.clusterNetwork),
        .network("pod-cidr", "Network of this node's pods, within cluster-cidr.", \.podNetwork),
        .number("node-cidr-mask-size", "Prefix length of a joining node's share.", \.nodePrefix, 16...29),
        .network("service-cidr", "Network of Services.", \.serviceNetwork),
        .domain("cluster-domain", "DNS domain of the cluster.", \.clusterDomain),
        .number("max-pods", "Maximum number of pods on this node.", \.maximumPods, 1...10_000),
        .number(
            "pod-max-pids", "Process limit per pod; 0: 1/8 of the kernel's, 256 to 4096.", \.processesPerPod,
            0...4_194_304),
        .reserved("kube-reserved", "Resources reserved for Swiftlet, such as cpu=100m,memory=200Mi.", \.kubeReserved),
        .reserved("system-reserved", "Resources reserved for the system.", \.systemReserved),
        .sysctls(
            "allowed-unsafe-sysctls", "Sysctls that pods may set besides the safe ones, such as kernel.msg*.",
            \.unsafeSysctls),
        .eviction("eviction-hard", "Thresholds of immediate eviction; empty: none.", \.evictionHard) {
            text throws(EvictionSettingError) in try EvictionSettings(hard: text)
        },
        .text("eviction-soft", "Thresholds of eviction after a grace period.", \.evictionSoft),
        .eviction(
            "eviction-soft-grace-period", "Grace period of each, such as memory.available=90s.", \.evictionSoftGrace
        ) { text throws(EvictionSettingError) in try EvictionSettings(graces: text) },
        .number(
            "eviction-max-pod-grace-period", "Longest termination grace period, in seconds, of a soft eviction.",
            \.evictionMaximumGrace, 0...3_600),
        .number(
            "eviction-pressure-transition-period", "Seconds that a pressure condition outlasts its cause.",
            \.evictionTransition,
            0...86_400),
        .number(
            "image-gc-high-threshold", "Disk usage, in percent, above which unused images are removed.",
            \.imageHighShare,
            0...100),
        .number("image-gc-low-threshold", "Disk usage, in percent, down to which they are.", \.imageLowShare, 0...100),
        .text(
            "cgroup-parent", "Parent cgroup (v2) of all pods (default: the root).", \.cgroupParent,
            mustBe: "the path of a cgroup such as /system.slice"
        ) { text in !text.split(separator: "/").contains { $0 == "." || $0 == ".." } },
        .text(
            "monitor-path", "The pod monitor (default: swiftlet-podmonitor beside swiftlet).", \.monitorPath,
            mustBeAbsolute: true),
        .registries(
            "registries", "Mirrors, plain-HTTP registries, such as docker.io=https://mirror.example.",
            \.registries),
        .text(
            "mirror-auth", "File of credentials for mirrors, in the form of docker's config.json.",
            \.mirrorCredentials, mustBeAbsolute: true),
        .authorities(
            "registry-ca", "CA files of registries, such as build.local:5000=/etc/ssl/build.pem.",
            \.registryAuthorities),
        .paths(
            "registry-certs", "Directories of HOST[:PORT]/ca.crt, client.cert and client.key.",
            \.registryCertificates),
        .flag("stop-pods-on-exit", "Stop all pods when the daemon is stopped.", \.stopsPodsOnExit),
        .number(
            "shutdown-grace-period", "Seconds that pods have at a shutdown of the machine.", \.shutdownGrace, 0...3_600),
        .number(
            "shutdown-grace-period-critical-pods", "Seconds of these reserved for critical pods.",
            \.criticalShutdownGrace,
            0...3_600),
        .serverNames("tls-san", "Additional names and addresses of the server, comma-separated.", \.serverNames),
        .text(
            "server", "Agent: the server to join, such as https://192.0.2.1:6443.", \.serverURL,
            mustBe: "the server's address such as https://192.0.2.1:6443"
        ) { (try? ServerAddress($0)) != nil },
        .token("token", "Agent: what `swiftlet token create` printed.", \.token),
        .text("token-file", "Agent: a file with the token.", \.tokenFile, mustBeAbsolute: true),
        .number("kubelet-port", "Agent: port on which the API server reaches it.", \.kubeletPort, 1...65535),
        .text(
            "cri-listen", "CRI socket, or none (default: <run-dir>/cri.sock).", \.criListen,
            mustBe: "an absolute path, or none"
        ) { $0.hasPrefix("/") || $0 == "none" },
        .paths("cdi-spec-dirs", "Directories of CDI device files, comma-separated.", \.deviceFiles),
        .flag("enable-selinux", "SELinux labels for pods that ask for none, too.", \.labelsEveryPod),
        .text(
            "container-runtime-endpoint",
            "Another runtime for pods, such as unix:///run/containerd/containerd.sock.", \.runtimeEndpoint,
            mustBe: "a socket such as unix:///run/containerd/containerd.sock"
        ) { $0.hasPrefix("unix:///") || $0.hasPrefix("/") },
        .level("log-level", "trace, debug, info, notice, warning, error or critical.", \.logLevel),
    ]
}
