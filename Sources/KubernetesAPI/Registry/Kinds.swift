import APIMachinery

/// The kinds that are compiled in.
package enum Kinds {
    /// Every kind that is stored and served.
    package static let all: [KindDefinition] = core + workloads + network

    /// The schemas of what is only sent to subresources, and never stored.
    package static let requests: [(kind: ResourceKind, schema: Schema)] = [
        (Binding.kind, Binding.schema),
        (Eviction.kind, Eviction.schema),
        (Scale.kind, Scale.schema),
        (TokenRequest.kind, TokenRequest.schema),
    ]

    /// The schemas of what is only asked, and never stored.
    package static let reviews: [(kind: ResourceKind, schema: Schema)] = [
        (LocalSubjectAccessReview.kind, LocalSubjectAccessReview.schema),
        (SelfSubjectAccessReview.kind, SelfSubjectAccessReview.schema),
        (SelfSubjectReview.kind, SelfSubjectReview.schema),
        (SelfSubjectRulesReview.kind, SelfSubjectRulesReview.schema),
        (SubjectAccessReview.kind, SubjectAccessReview.schema),
        (TokenReview.kind, TokenReview.schema),
    ]

    /// The other form in which the core group's events are served.
    package static let reportedEvent = KindDefinition(
        ReportedEvent.self, nameFormat: .pathSegment, table: .event, validate: ReportedEvent.faults)

    private static let core: [KindDefinition] = [
        .init(
            Namespace.self, nameFormat: .dnsLabel, table: .namespace, selectableFields: ["status.phase"],
            prepare: { $0.prepare($1) }, complete: { $0.complete() }, validateStatus: Namespace.statusFaults),
        .init(
            Node.self, table: .node, selectableFields: ["spec.unschedulable"], complete: { $0.complete() },
            validate: Node.faults),
        .init(
            Pod.self, table: .pod,
            selectableFields: [
                "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
                "spec.hostNetwork", "status.phase", "status.podIP", "status.nominatedNodeName",
            ], prepare: { $0.prepare($1) }, complete: { $0.complete() }, validate: Pod.faults),
        .init(ConfigMap.self, table: .configMap, validate: ConfigMap.faults),
        .init(
            Secret.self, table: .secret, selectableFields: ["type"], complete: { $0.complete() },
            validate: Secret.faults),
        .init(ServiceAccount.self, table: .serviceAccount),
        .init(
            Event.self, nameFormat: .pathSegment, table: .event,
            selectableFields: [
                "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
                "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
                "reportingComponent", "source", "type",
            ], validate: Event.faults),
        .init(Lease.self, table: .lease, validate: Lease.faults),
    ]

    private static let workloads: [KindDefinition] = [
        .init(
            Deployment.self, table: .deployment, complete: { $0.complete() }, validate: Deployment.faults,
            validateStatus: Deployment.statusFaults),
        .init(
            ReplicaSet.self, table: .replicaSet, selectableFields: ["status.replicas"], complete: { $0.complete() },
            validate: ReplicaSet.faults, validateStatus: ReplicaSet.statusFaults),
        .init(ControllerRevision.self, table: .controllerRevision),
    ]

    private static let network: [KindDefinition] = [
        .init(
            Service.self, nameFormat: .dnsLabel1035, table: .service,
            selectableFields: ["spec.clusterIP", "spec.type"], prepare: { $0.prepare($1) }, complete: { $0.complete() },
            validate: Service.faults),
        .init(EndpointSlice.self, table: .endpointSlice, validate: EndpointSlice.faults),
        .init(Endpoints.self, table: .endpoints, validate: Endpoints.faults),
    ]
}
