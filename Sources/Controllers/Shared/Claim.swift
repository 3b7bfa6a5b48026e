import APIMachinery
import KubernetesAPI

/// Which of the objects at hand belong to a controller: those that name it as their controller and match its selector, and orphans that
/// match, which it adopts.
struct Claim<Object: APIObject>: Sendable {
    /// Owned already and still matching.
    var owned: [Object] = []
    /// To be adopted.
    var orphans: [Object] = []
    /// Owned, but no longer matching: to be let go.
    var strays: [Object] = []

    /// A controller that is being deleted adopts nothing and lets go of nothing.
    init(_ objects: [Object], selector: LabelSelector, owner: ObjectMeta) {
        let isEnding = owner.deletionTimestamp != nil
        let ownerID = owner.uid
        for object in objects {
            let metadata = object.metadata
            if let controller = metadata.controller {
                guard controller.uid == ownerID else { continue }
                if selector.matches(metadata.labels) {
                    owned.append(object)
                } else if !isEnding {
                    strays.append(object)
                }
            } else if !isEnding, metadata.deletionTimestamp == nil, selector.matches(metadata.labels) {
                orphans.append(object)
            }
        }
    }
}
