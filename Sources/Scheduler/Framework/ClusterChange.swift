/// What happened in the cluster that can make room for a pod that waits.
package struct ClusterChange: OptionSet, Sendable, Hashable {
    package let rawValue: Int

    package init(rawValue: Int) {
        self.rawValue = rawValue
    }

    package static let nodeAdded = ClusterChange(rawValue: 1)
    package static let nodeLabels = ClusterChange(rawValue: 2)
    package static let nodeTaints = ClusterChange(rawValue: 4)
    package static let nodeResources = ClusterChange(rawValue: 8)
    /// A pod came to a node, or changed its labels there.
    package static let podPlaced = ClusterChange(rawValue: 16)
    /// A pod left a node.
    package static let podGone = ClusterChange(rawValue: 32)
}
