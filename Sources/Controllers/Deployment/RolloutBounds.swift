import APIMachinery
import KubernetesAPI

/// How far a roll-out may go from the wanted number of pods.
struct RolloutBounds: Sendable, Hashable {
    /// Wanted.
    let replicas: Int
    /// Pods beyond that.
    let surge: Int
    /// Pods that may be missing.
    let unavailable: Int

    init(_ spec: DeploymentSpec) {
        replicas = max(0, Int(spec.replicas))
        guard spec.strategy.type == "RollingUpdate" else {
            (surge, unavailable) = (0, 0)
            return
        }
        let bounds = spec.strategy.rollingUpdate ?? RollingUpdateDeployment()
        surge = max(0, bounds.maxSurge.scaled(to: replicas, roundingUp: true) ?? 0)
        var missing = max(0, bounds.maxUnavailable.scaled(to: replicas, roundingUp: false) ?? 0)
        // Percentages can both come to nothing; then nothing would ever move.
        if surge == 0, missing == 0 { missing = 1 }
        unavailable = min(missing, replicas)
    }

    var most: Int { replicas + surge }
    var fewest: Int { replicas - unavailable }
}
