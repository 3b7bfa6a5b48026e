/// A group of the API in one version: where a type is declared, from which follows what OpenAPI calls it.
package struct GroupVersion: Sendable, Hashable {
    /// "" for the core group.
    package let group: String
    package let version: String

    package init(_ group: String, _ version: String = "v1") {
        self.group = group
        self.version = version
    }

    /// What all groups share.
    package static let meta = GroupVersion("meta.k8s.io")

    /// `io.k8s.api.apps.v1.DeploymentSpec`: the names that clients are generated from. Upstream's are those of its Go packages; those of a group
    /// that is not Kubernetes' own are the group's name from the back, as for custom resources.
    package func schemaName(of type: String) -> String {
        let isUpstream = !group.contains(".") || group.hasSuffix(".k8s.io")
        let place =
            self == .meta
            ? "io.k8s.apimachinery.pkg.apis.meta"
            : isUpstream
                ? "io.k8s.api.\(shortName)" : group.split(separator: ".").reversed().joined(separator: ".")
        return "\(place).\(version).\(type)"
    }

    /// The first word of the group's name: `apps`, `discovery`; `core`.
    package var shortName: String { group.split(separator: ".").first.map(String.init) ?? "core" }
}
