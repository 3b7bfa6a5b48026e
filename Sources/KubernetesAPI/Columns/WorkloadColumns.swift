import APIMachinery
import JSONTree

extension TableDefinition {
    private static let templateColumns: [Column] = [
        .init("Containers", "Names of the template's containers.", priority: 1),
        .init("Images", "Images of the template's containers.", priority: 1),
        .init("Selector", "Labels of the pods.", priority: 1),
    ]

    private static func templateCells(_ template: PodTemplateSpec, _ selector: LabelSelector) -> [JSONValue] {
        let containers = template.spec.containers
        return [
            .string(containers.map { $0.name }.joined(separator: ",")),
            .string(containers.map { $0.image ?? "" }.joined(separator: ",")),
            .text(selector.columnText),
        ]
    }

    static let deployment = TableDefinition(
        Deployment.self,
        [
            .name,
            .init("Ready", "Pods that are ready, of those wanted."),
            .init("Up-to-date", "Pods of the current template.", type: "integer"),
            .init("Available", "Pods ready for at least minReadySeconds.", type: "integer"),
            .age,
        ] + templateColumns
    ) { deployment, now in
        let status = deployment.status
        return [
            .string(deployment.metadata.name),
            .string("\(status.readyReplicas)/\(deployment.spec.replicas)"),
            .number(status.updatedReplicas),
            .number(status.availableReplicas),
            .age(deployment.metadata.creationTimestamp, now),
        ] + templateCells(deployment.spec.template, deployment.spec.selector)
    }

    static let replicaSet = TableDefinition(
        ReplicaSet.self,
        [
            .name,
            .init("Desired", "Pods wanted.", type: "integer"),
            .init("Current", "Pods there are.", type: "integer"),
            .init("Ready", "Pods that are ready.", type: "integer"),
            .age,
        ] + templateColumns
    ) { set, now in
        [
            .string(set.metadata.name),
            .number(set.spec.replicas),
            .number(set.status.replicas),
            .number(set.status.readyReplicas),
            .age(set.metadata.creationTimestamp, now),
        ] + templateCells(set.spec.template, set.spec.selector)
    }

    package static let scale = TableDefinition(
        Scale.self,
        [
            .name,
            .init("Desired", "Pods wanted.", type: "integer"),
            .init("Available", "Pods there are.", type: "integer"),
            .age,
        ]
    ) { scale, now in
        [
            .string(scale.metadata.name),
            .number(scale.spec.replicas),
            .number(scale.status.replicas),
            .age(scale.metadata.creationTimestamp, now),
        ]
    }

    static let controllerRevision = TableDefinition(
        ControllerRevision.self,
        [
            .name,
            .init("Controller", "The workload that it belongs to."),
            .init("Revision", "Number of the revision.", type: "integer"),
            .age,
        ]
    ) { revision, now in
        let owner = revision.metadata.controller
        return [
            .string(revision.metadata.name),
            .text(owner.map(ownerText)),
            .number(revision.revision),
            .age(revision.metadata.creationTimestamp, now),
        ]
    }

    /// `deployment.apps/web`.
    private static func ownerText(_ owner: OwnerReference) -> String {
        let group = owner.apiVersion.split(separator: "/").dropLast().first.map { "." + $0 } ?? ""
        return owner.kind.lowercased() + group + "/" + owner.name
    }
}

extension LabelSelector {
    /// The selector in the form that `kubectl get -l` takes; "" where it is empty.
    package var columnText: String {
        let pairs = self.matchLabels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return (pairs + self.matchExpressions.map(\.columnText)).joined(separator: ",")
    }
}

extension LabelSelectorRequirement {
    fileprivate var columnText: String {
        let values = self.values.sorted().joined(separator: ",")
        return switch self.operator {
        case "In": "\(self.key) in (\(values))"
        case "NotIn": "\(self.key) notin (\(values))"
        case "Exists": self.key
        default: "!\(self.key)"
        }
    }
}
