import APIMachinery

/// What the machine is, as the node's object says it. Read once at start-up by whoever composes the kubelet.
package struct NodeFacts: Sendable, Hashable {
    /// Thousandths of a CPU, bytes.
    package var cpuMilli: Int64
    package var memoryBytes: Int64
    package var diskBytes: Int64
    package var maximumPods: Int64
    package var architecture: String
    package var kernelVersion: String
    package var operatingSystem: String
    package var bootID: String
    package var machineID: String
    package var runtimeVersion: String
    package var kubeletVersion: String
    package var hostname: String
    /// Where the agent answers the API server over HTTPS; nil where it does so in the API server's own process.
    package var agentPort: Int32?
    package var labels: [String: String]
    /// What of the machine pods may not have.
    package var reserved: ReservedResources

    package init(
        cpuMilli: Int64, memoryBytes: Int64, diskBytes: Int64, maximumPods: Int64, architecture: String,
        kernelVersion: String, operatingSystem: String, bootID: String, machineID: String, runtimeVersion: String,
        kubeletVersion: String, hostname: String, agentPort: Int32? = nil, labels: [String: String] = [:],
        reserved: ReservedResources = ReservedResources()
    ) {
        self.cpuMilli = cpuMilli
        self.memoryBytes = memoryBytes
        self.diskBytes = diskBytes
        self.maximumPods = maximumPods
        self.architecture = architecture
        self.kernelVersion = kernelVersion
        self.operatingSystem = operatingSystem
        self.bootID = bootID
        self.machineID = machineID
        self.runtimeVersion = runtimeVersion
        self.kubeletVersion = kubeletVersion
        self.hostname = hostname
        self.agentPort = agentPort
        self.labels = labels
        self.reserved = reserved
    }
}
