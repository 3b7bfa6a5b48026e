import APIMachinery
import JSONTree

/// What a pod can ask for as a whole (KEP-2837).
enum PodResource {
    static func isKnown(_ name: String) -> Bool {
        ["cpu", "memory"].contains(name) || ContainerResource.isHugePages(name)
    }
}

extension ResourceRequirements {
    /// The resources of a pod as a whole: at least what its containers request together, and no container's limit beyond.
    /// - Parameter specPath: of the pod's spec.
    func faults(of pod: PodSpec, at specPath: String) -> [FieldError] {
        let path = specPath + ".resources"
        var faults = self.claims.indices.map { index -> FieldError in
            .forbidden("\(path).claims[\(index)]", "claims may not be set for Resources at pod-level")
        }
        let unknown = [("limits", self.limits), ("requests", self.requests)].flatMap { field, amounts in
            amounts.keys.sorted().filter { !PodResource.isKnown($0) }.map { name -> FieldError in
                .notSupported("\(path).\(field)[\(name)]", .string(name), ["cpu", "hugepages-", "memory"])
            }
        }
        faults += unknown
        if unknown.isEmpty { faults += self.faults(at: path) }
        return faults + containerFaults(of: pod, at: specPath)
    }

    private func containerFaults(of pod: PodSpec, at path: String) -> [FieldError] {
        var faults: [FieldError] = []
        let requests = self.requests
        for (name, needed) in pod.containerRequests.sorted(by: { $0.key < $1.key }) {
            guard let request = requests[name], needed > request else { continue }
            let why = "must be greater than or equal to aggregate container requests of \(needed)"
            faults.append(.invalid("\(path).resources.requests[\(name)]", .string(request.description), why))
        }
        let limits = self.limits
        for (index, container) in pod.containers.enumerated() {
            for (name, limit) in (container.resources?.limits ?? [:]).sorted(by: { $0.key < $1.key }) {
                guard let most = limits[name], limit > most else { continue }
                let place = "\(path).containers[\(index)].resources.limits[\(name)]"
                faults.append(
                    .invalid(place, .string(limit.description), "must be less than or equal to pod limits of \(most)"))
            }
        }
        return faults
    }
}
