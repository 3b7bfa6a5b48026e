import APIMachinery
import JSONTree

/// What the engine does differently for one kind, besides what its definition says. The defaults are what most kinds do.
protocol KindBehaviour: Sendable {
    /// Whether the server counts changes of the desired state in metadata.generation.
    var hasGeneration: Bool { get }
    /// The fields of metadata that can be written through the status subresource.
    var statusMetadata: [String] { get }
    /// Whether a new object may bring its status along.
    var keepsNewStatus: Bool { get }
    /// Whether what a node says of itself in the status is shown also where the disk does not take it: it is of what is wrong with the machine, and
    /// asked for just then.
    var showsUnsavedStatus: Bool { get }
    /// Whether the garbage collector follows the kind. Where it does not, a deletion's propagation policy means nothing.
    var isGarbageCollected: Bool { get }

    /// Seconds from the request to the end, 0 for at once, nil where the kind knows no orderly end.
    func gracePeriod(_ object: JSONObject, requested: Int64?) -> Int64?
    /// A deletion marks the object, and something other than finalizers in metadata removes it.
    func isHeldFromDeletion(_ object: JSONObject) -> Bool
    /// Changes an object when its deletion begins.
    func beginDeletion(_ object: inout JSONObject)
}

extension KindBehaviour {
    var hasGeneration: Bool { false }
    var statusMetadata: [String] { ["labels", "annotations"] }
    var keepsNewStatus: Bool { false }
    var showsUnsavedStatus: Bool { false }
    var isGarbageCollected: Bool { true }
    func gracePeriod(_ object: JSONObject, requested: Int64?) -> Int64? { nil }
    func isHeldFromDeletion(_ object: JSONObject) -> Bool { false }
    func beginDeletion(_ object: inout JSONObject) {}
}
