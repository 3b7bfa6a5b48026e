import ContainerRuntime
import Kubelet
import PodNetwork
import Store

/// What a test puts between a server's parts. An ordinary server has nothing there, and nothing outside the program can put something there.
package struct DaemonSeams: Sendable {
    /// Stands before the store.
    package var store: @Sendable (any KeyValueStore) -> any KeyValueStore = { $0 }
    /// May change all that the runtime needs from outside.
    package var runtime: @Sendable (inout RuntimeDependencies) -> Void = { _ in }
    /// Called when the store, and when the pod network comes to a place, on the thread that has come there.
    package var reachInStore: @Sendable (StorePoint) throws -> Void = { _ in }
    package var reachInNetwork: @Sendable (NetworkPoint) -> Void = { _ in }
    /// Called when the kubelet has come to a moment of a pod's way, by its name.
    package var reachInKubelet: @Sendable (String) -> Void = { _ in }

    package init() {}
}

/// Passes moments on, and tells them by their names.
struct ReachedMoments: PodMomentRecorder {
    let base: any PodMomentRecorder
    let reach: @Sendable (String) -> Void

    func record(_ moment: PodMoment) {
        base.record(moment)
        reach(moment.step)
    }
}
