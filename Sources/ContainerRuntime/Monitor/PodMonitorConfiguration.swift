import Linux

/// What a pod's monitor is started with.
package struct PodMonitorConfiguration: Sendable {
    /// The pod's name in messages.
    package var pod: String
    /// An existing directory of this pod's own, owned by root, mode 0700: the socket is made in it.
    package var directory: String
    /// The pod's cgroup, existing; the monitor's leaf `monitor` is made beneath.
    package var cgroup: String
    /// The pod's name of the host for its processes; nil with the host's network keeps the host's.
    package var hostname: String?
    /// Which namespaces the pod has of its own.
    package var namespaces: PodNamespaces
    /// A user namespace that owns them; nil: the host's.
    package var users: UserMaps?
    /// Namespaced kernel parameters, name with dots or slashes to value, written in the pod's namespaces.
    package var kernelParameters: [String: String]
    /// The monitor's own, as `NAME=value`; containers have theirs from their plans.
    package var environment: [String] = []

    package init(
        pod: String, directory: String, cgroup: String, hostname: String? = nil,
        namespaces: PodNamespaces = .isolated, kernelParameters: [String: String] = [:]
    ) {
        self.pod = pod
        self.directory = directory
        self.cgroup = cgroup
        self.hostname = hostname
        self.namespaces = namespaces
        self.kernelParameters = kernelParameters
    }
}

/// The namespaces a pod has of its own; those left out are the host's.
package struct PodNamespaces: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package static let network = PodNamespaces(rawValue: 1)
    package static let ipc = PodNamespaces(rawValue: 2)
    package static let uts = PodNamespaces(rawValue: 4)
    package static let isolated: PodNamespaces = [.network, .ipc, .uts]
}

/// Starts and finds monitors: the other seam a test replaces.
package protocol PodMonitorSpawning: Sendable {
    /// Starts a pod's monitor and connects to it.
    func spawn(_ configuration: PodMonitorConfiguration) async throws(PodMonitorError) -> any PodMonitoring

    /// Connects to a monitor started earlier, by this daemon or one before it.
    func adopt(pod: String, directory: String) async throws(PodMonitorError) -> any PodMonitoring
}
