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
    /// The template as its author wrote it, in the form that is stored today: older releases kept empty lists and maps.
    var withoutHash: PodTemplateSpec {
        var template = self
        if template.metadata.storage["labels"]?[PodTemplateHash.label] != nil {
            template.metadata.labels[PodTemplateHash.label] = nil
        }
        Self.schema.prune(&template.storage)
        return template
    }

    func isSame(as other: PodTemplateSpec) -> Bool {
        withoutHash == other.withoutHash
    }
}
