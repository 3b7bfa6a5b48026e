/// The places on a pod's way where a crash makes a difference: between something that was done and the record of it. For tests.
package enum RuntimePoint: String, Sendable, Hashable, CaseIterable {
    // The start.
    case sandboxRecorded
    case sandboxGrouped
    case sharedMemoryMounted
    case monitorSpawned
    case sandboxAttached
    case sandboxReady
    case containerRecorded
    /// Its writable layer and its cgroup are there.
    case containerPrepared
    /// The monitor has made it; the record does not say so yet.
    case containerCreated
    /// It has executed; the record does not say so yet.
    case containerStarted

    // An exec session.
    case execPrepared
    /// It runs; whoever asked does not know.
    case execStarted
    /// It has ended; whoever asked does not know.
    case execEnded

    // The end of a container.
    case exitReceived
    case exitRecorded
    case exitAcknowledged
    case containerSignalled
    case containerKilled

    // The removal.
    case containerRemovalRecorded
    /// The monitor knows it no more.
    case containerForgotten
    /// Its cgroup and files are gone; the record is there.
    case containerErased
    case containerRemoved
    case monitorShutDown
    /// No process of the sandbox is left.
    case sandboxKilled
    case sandboxDetached
    case sharedMemoryUnmounted
    /// Its cgroup is gone; the record says that it is ready.
    case sandboxReleased
    case sandboxStopped
    case sandboxRemovalRecorded
    case sandboxRemoved
}
