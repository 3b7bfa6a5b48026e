import APIMachinery

/// How a pod is treated when resources run short.
package enum PodServiceClass: String, Sendable {
    /// Every container has limits for processor and memory, equal to its requests.
    case guaranteed = "Guaranteed"
    /// Something is set aside or limited.
    case burstable = "Burstable"
    /// Nothing is.
    case bestEffort = "BestEffort"
}

extension PodSpec {
    /// Follows from requests and limits of all containers, init containers included; from the pod's own where it has some.
    package var serviceClass: PodServiceClass {
        let own = self.resources
        if let own, !own.requests.isEmpty || !own.limits.isEmpty { return Self.serviceClass(of: [own]) }
        return Self.serviceClass(of: (self.containers + self.initContainers).map { $0.resources ?? .zero })
    }

    private static func serviceClass(of all: [ResourceRequirements]) -> PodServiceClass {
        let counted = ["cpu", "memory"]
        var isAnythingSet = false
        var isGuaranteed = true
        for resources in all {
            let limits = resources.limits
            let requests = resources.requests
            for name in counted {
                let limit = limits[name] ?? .zero
                let request = requests[name] ?? limit
                isAnythingSet = isAnythingSet || !limit.isZero || !request.isZero
                isGuaranteed = isGuaranteed && !limit.isZero && limit == request
            }
        }
        guard isAnythingSet else { return .bestEffort }
        return isGuaranteed ? .guaranteed : .burstable
    }
}
