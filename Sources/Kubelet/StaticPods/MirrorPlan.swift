import APIMachinery
import KubernetesAPI

/// What is to be done about one mirror: the object by which the API shows a static pod. Pure.
enum MirrorPlan: Sendable, Hashable {
    /// There is nothing, and nothing is to be.
    case nothing
    case create
    /// At once, for there is nothing to wait for: the object's end ends no container.
    case delete(uid: String)
    /// It is as it should be, and takes the static pod's status.
    case report

    /// - Parameters:
    ///   - pod: the static pod of this name, nil where no manifest has it.
    ///   - mirror: the object of this name, nil where the API has none.
    init(_ pod: Pod?, mirror: Pod?) {
        switch (pod, mirror) {
        case (nil, nil): self = .nothing
        case (.some, nil): self = .create
        case (nil, let mirror?): self = mirror.isMirror ? .delete(uid: mirror.metadata.uid) : .nothing
        case (let pod?, let mirror?):
            let isSame =
                mirror.metadata.annotations[StaticPodAnnotation.mirror]
                == pod.metadata.annotations[StaticPodAnnotation.hash]
            if !mirror.isMirror {
                // The name is taken by somebody's own pod.
                self = .nothing
            } else {
                self =
                    isSame && mirror.metadata.deletionTimestamp == nil ? .report : .delete(uid: mirror.metadata.uid)
            }
        }
    }

    /// The object to make for a static pod: its spec with the mark that no kubelet runs it.
    static func mirror(of pod: Pod, node: Node?) -> Pod {
        var mirror = Pod(name: pod.metadata.name, namespace: pod.metadata.namespace) {
            $0.metadata.labels = pod.metadata.labels
            $0.metadata.annotations = pod.metadata.annotations
            $0.spec = pod.spec
        }
        mirror.metadata.annotations[StaticPodAnnotation.mirror] = pod.metadata.annotations[StaticPodAnnotation.hash]
        if let node {
            mirror.metadata.ownerReferences = [
                OwnerReference {
                    $0.apiVersion = "v1"
                    $0.kind = "Node"
                    $0.name = node.metadata.name
                    $0.uid = node.metadata.uid
                    $0.controller = true
                }
            ]
        }
        return mirror
    }
}

/// Upstream's annotations of static pods and their mirrors.
enum StaticPodAnnotation {
    static let source = "kubernetes.io/config.source"
    static let hash = "kubernetes.io/config.hash"
    static let mirror = "kubernetes.io/config.mirror"
}

extension Pod {
    /// An object that only shows a static pod: no kubelet runs it.
    var isMirror: Bool { self.metadata.annotations[StaticPodAnnotation.mirror] != nil }

    /// From a manifest of this node.
    var isStatic: Bool {
        self.metadata.annotations[StaticPodAnnotation.source].map { $0 != "api" } ?? false
    }
}
