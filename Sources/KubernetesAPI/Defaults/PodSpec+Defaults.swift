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
        completeOwnResources()
    }

    /// What a pod with limits of its own requests as a whole: what its containers do; else as much as the limit. Huge pages always the limit.
    private mutating func completeOwnResources() {
        guard var own = self.resources, !own.limits.isEmpty else { return }
        let ofContainers = containerRequests.filter {
            PodResource.isKnown($0.key) && !ContainerResource.isHugePages($0.key)
        }
        own.requests = own.requests.merging(ofContainers) { own, _ in own }
            .merging(own.limits.filter { PodResource.isKnown($0.key) }) { request, _ in request }
        self.resources = own.rounded()
    }
}

extension Container {
    fileprivate func completed() -> Container {
        var container = self
        if self.imagePullPolicy == nil {
            container.imagePullPolicy = ImagePullPolicy.default(for: self.image ?? "")
        }
        for field in ["livenessProbe", "readinessProbe", "startupProbe"] {
            guard let probe = storage[field]?.object else { continue }
            container.storage[field] = Probe(storage: probe).completed().json
        }
        if let resources = self.resources { container.resources = resources.rounded() }
        if storage["ports"] != nil {
            container.ports = self.ports.map { port in
                var port = port
                if port.hostPort == 0 { port.hostPort = nil }
                return port
            }
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

extension Probe {
    /// Clients in Go write 0 where they say nothing.
    fileprivate func completed() -> Probe {
        var probe = self
        let fields = Self.fields
        if self.failureThreshold == 0 { probe.failureThreshold = fields.failureThreshold.fallback }
        if self.periodSeconds == 0 { probe.periodSeconds = fields.periodSeconds.fallback }
        if self.successThreshold == 0 { probe.successThreshold = fields.successThreshold.fallback }
        if self.timeoutSeconds == 0 { probe.timeoutSeconds = fields.timeoutSeconds.fallback }
        return probe
    }
}

extension ResourceRequirements {
    /// Amounts are kept to the thousandth, rounded up.
    fileprivate func rounded() -> ResourceRequirements {
        var resources = self
        for field in ["limits", "requests"] where storage[field] != nil {
            resources.storage[field] = (field == "limits" ? self.limits : self.requests).rounded.json
        }
        return resources
    }
}

extension [String: Quantity] {
    var rounded: [String: Quantity] {
        mapValues { amount in
            amount.nanos % 1_000_000 == 0 ? amount : Quantity(milli: amount.milliValue, format: amount.format)
        }
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
        var volume = self
        if storage.keys.allSatisfy({ $0 == "name" }) { volume.emptyDir = EmptyDirVolumeSource() }
        if var image = self.image, image.pullPolicy == nil {
            image.pullPolicy = ImagePullPolicy.default(for: image.reference)
            volume.image = image
        }
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
