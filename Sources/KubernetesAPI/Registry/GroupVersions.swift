import APIMachinery

extension GroupVersion {
    package static let core = GroupVersion("")
    package static let apps = GroupVersion("apps")
    package static let authentication = GroupVersion("authentication.k8s.io")
    package static let authorization = GroupVersion("authorization.k8s.io")
    package static let autoscaling = GroupVersion("autoscaling")
    package static let coordination = GroupVersion("coordination.k8s.io")
    package static let discovery = GroupVersion("discovery.k8s.io")
    package static let events = GroupVersion("events.k8s.io")
}

/// Most types of this module belong to the core group; the others say so.
extension APIValue {
    package static var groupVersion: GroupVersion { .core }
}
