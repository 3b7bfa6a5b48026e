import APIMachinery

/// What evictions are decided by, under upstream's names.
package enum EvictionSignal: String, Sendable, Hashable, CaseIterable {
    case memory = "memory.available"
    /// Of what all pods together may use: beneath `memory` where some is reserved. It has the threshold of `memory` and is not set by itself.
    case allocatableMemory = "allocatableMemory.available"
    case disk = "nodefs.available"
    case inodes = "nodefs.inodesFree"
    /// Of the filesystem with images and containers' writable layers, which may be the node's.
    case imageDisk = "imagefs.available"
    case imageInodes = "imagefs.inodesFree"
    case processes = "pid.available"

    var pressure: NodePressure {
        switch self {
        case .memory, .allocatableMemory: .memory
        case .disk, .inodes, .imageDisk, .imageInodes: .disk
        case .processes: .processes
        }
    }

    /// The resource that is short, as messages name it.
    var resource: String {
        switch self {
        case .memory, .allocatableMemory: "memory"
        case .disk, .imageDisk: "ephemeral-storage"
        case .inodes, .imageInodes: "inodes"
        case .processes: "pids"
        }
    }

    /// How amounts of it are written.
    var format: Quantity.Format {
        switch self {
        case .memory, .allocatableMemory, .disk, .imageDisk: .binary
        case .inodes, .imageInodes, .processes: .decimal
        }
    }
}

/// The state of a node that is short of something.
package enum NodePressure: String, Sendable, Hashable, CaseIterable {
    case memory = "MemoryPressure"
    case disk = "DiskPressure"
    case processes = "PIDPressure"

    /// Of the node's condition.
    func reason(_ isUnder: Bool) -> String {
        switch (self, isUnder) {
        case (.memory, true): "KubeletHasInsufficientMemory"
        case (.memory, false): "KubeletHasSufficientMemory"
        case (.disk, true): "KubeletHasDiskPressure"
        case (.disk, false): "KubeletHasNoDiskPressure"
        case (.processes, true): "KubeletHasInsufficientPID"
        case (.processes, false): "KubeletHasSufficientPID"
        }
    }

    func message(_ isUnder: Bool) -> String {
        switch (self, isUnder) {
        case (.memory, true): "kubelet has insufficient memory available"
        case (.memory, false): "kubelet has sufficient memory available"
        case (.disk, true): "kubelet has disk pressure"
        case (.disk, false): "kubelet has no disk pressure"
        case (.processes, true): "kubelet has insufficient PID available"
        case (.processes, false): "kubelet has sufficient PID available"
        }
    }

    /// Of the node's event when the condition turns.
    func eventReason(_ isUnder: Bool) -> String {
        "Node" + reason(isUnder).dropFirst("Kubelet".count)
    }
}

/// How much of something there is and how much of it is left.
struct SignalReading: Sendable, Hashable {
    var available: Int64
    var capacity: Int64
}

/// All signals at one moment. One that this host does not give is not there.
struct EvictionSignals: Sendable, Hashable {
    var readings: [EvictionSignal: SignalReading] = [:]
    /// Images and writable layers have a filesystem of their own.
    var hasImageFilesystem = false
}
