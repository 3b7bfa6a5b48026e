import APIMachinery
import JSONTree

extension PodSpec {
    /// Defaults of a pod's spec that depend on other fields; for pods and for templates.
    mutating func complete() {
        self.containers = self.containers.map { $0.completed() }
        if storage["initContainers"] != nil {
            self.initContainers = self.initContainers.map { $0.completed() }
        }
        if storage["ephemeralContainers"] != nil {
            self.ephemeralContainers = self.ephemeralContainers.map { $0.completed() }
        }
        if storage["volumes"] != nil {
            self.volumes = self.volumes.map { $0.completed() }
        }
        // Two names of one field: clients of either find it.
        if let account = self.serviceAccountName ?? self.serviceAccount {
            self.serviceAccountName = account
            self.serviceAccount = account
        }
    }

    /// What holds for pods alone: in a template these follow when the pod is made.
    mutating func completeForPod() {
        complete()
        let isOnHostNetwork = self.hostNetwork
        self.containers = self.containers.map { $0.completedForPod(isOnHostNetwork) }
        if storage["initContainers"] != nil {
            self.initContainers = self.initContainers.map { $0.completedForPod(isOnHostNetwork) }
        }
    }
}

extension Container {
    fileprivate func completed() -> Container {
        var container = self
        if self.imagePullPolicy == nil {
            container.imagePullPolicy = ImagePullPolicy.default(for: self.image ?? "")
        }
        return container
    }

    fileprivate func completedForPod(_ isOnHostNetwork: Bool) -> Container {
        var container = self
        if var resources = self.resources, !resources.limits.isEmpty {
            resources.requests = resources.limits.merging(resources.requests) { _, request in request }
            container.resources = resources
        }
        if isOnHostNetwork, storage["ports"] != nil {
            container.ports = self.ports.map { port in
                var port = port
                if port.hostPort ?? 0 == 0 { port.hostPort = port.containerPort }
                return port
            }
        }
        return container
    }
}

extension EphemeralContainer {
    fileprivate func completed() -> EphemeralContainer {
        var container = self
        if self.imagePullPolicy == nil {
            container.imagePullPolicy = ImagePullPolicy.default(for: self.image ?? "")
        }
        return container
    }
}

extension Volume {
    /// A volume that names no source is an empty directory.
    fileprivate func completed() -> Volume {
        guard storage.keys.allSatisfy({ $0 == "name" }) else { return self }
        var volume = self
        volume.emptyDir = EmptyDirVolumeSource()
        return volume
    }
}

/// When an image is pulled.
package enum ImagePullPolicy {
    /// Always for the tag `latest`, named or implied, since it moves; IfNotPresent for all others and for digests.
    package static func `default`(for image: String) -> String {
        let name = image.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        guard !image.contains("@") else { return "IfNotPresent" }
        guard let colon = name.lastIndex(of: ":") else { return "Always" }
        return name[name.index(after: colon)...] == "latest" ? "Always" : "IfNotPresent"
    }
}
