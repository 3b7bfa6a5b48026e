import KubernetesAPI

/// An image that must be there before a container starts: its own, or that of a volume that it mounts.
struct ImageDemand: Sendable, Hashable {
    var image: String
    var policy: String
    /// Whose own image it is; nil for a volume's, which is the whole pod's.
    var container: String?
}

extension PodSpec {
    /// What a container needs, the images of its volumes first.
    func imageDemands(of name: String) -> [ImageDemand] {
        guard let container = container(named: name) else { return [] }
        let mounted = Set(container.volumeMounts.map(\.name))
        let volumes = self.volumes.filter { mounted.contains($0.name) }.compactMap(\.image).map {
            ImageDemand(
                image: $0.reference, policy: $0.pullPolicy ?? ImagePullPolicy.default(for: $0.reference), container: nil
            )
        }
        let image = container.image ?? ""
        let own = ImageDemand(
            image: image, policy: container.imagePullPolicy ?? ImagePullPolicy.default(for: image), container: name)
        return volumes + [own]
    }

    /// Every image that the pod is made of.
    var imageNames: Set<String> {
        Set(
            (self.initContainers + self.containers).compactMap(\.image) + self.ephemeralContainers.compactMap(\.image)
                + self.volumes.compactMap { $0.image?.reference })
    }
}
