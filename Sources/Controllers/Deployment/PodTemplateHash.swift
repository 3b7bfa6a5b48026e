import APIMachinery
import JSONTree
import KubernetesAPI

/// The value of the label pod-template-hash: names the ReplicaSet of a template, the same for the same template.
enum PodTemplateHash {
    static let label = "pod-template-hash"

    /// Over the template's canonical JSON. A collision is avoided by counting up `collisions`.
    static func text(_ template: PodTemplateSpec, collisions: Int32?) -> String {
        ShortHash.text(template.withoutHash.json.encoded() + (collisions.map { Array(String($0).utf8) } ?? []))
    }
}

extension PodTemplateSpec {
    /// The template as its author wrote it.
    var withoutHash: PodTemplateSpec {
        guard self.metadata.storage["labels"]?[PodTemplateHash.label] != nil else { return self }
        var template = self
        template.metadata.labels[PodTemplateHash.label] = nil
        return template
    }

    func isSame(as other: PodTemplateSpec) -> Bool {
        withoutHash == other.withoutHash
    }
}
