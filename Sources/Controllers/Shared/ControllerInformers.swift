import APIMachinery
import Client
import KubernetesAPI

/// The copies of the cluster's objects that controllers and the scheduler read. One set serves them all.
package struct ControllerInformers: Sendable {
    package let namespaces: Informer<Namespace>
    package let nodes: Informer<Node>
    package let pods: Informer<Pod>
    package let services: Informer<Service>
    package let endpointSlices: Informer<EndpointSlice>
    package let endpoints: Informer<Endpoints>
    package let deployments: Informer<Deployment>
    package let replicaSets: Informer<ReplicaSet>
    /// Without their data, but for the cluster's certificate authority.
    package let configMaps: Informer<ConfigMap>
    /// Without their data.
    package let secrets: Informer<Secret>
    package let serviceAccounts: Informer<ServiceAccount>
    package let leases: Informer<Lease>
    /// Without their data.
    package let controllerRevisions: Informer<ControllerRevision>

    /// Pods by the unique identifier of their controller.
    static let byController = "controller"
    /// Pods without a controller, by namespace.
    static let orphans = "orphans"
    /// Pods by the name of their node, "" for those that have none.
    package static let byNode = "node"

    package init(client: APIClient, time: any TimeSource, random: RandomSource = RandomSource()) {
        namespaces = Informer(client: client, time: time, random: random)
        nodes = Informer(client: client, time: time, random: random)
        pods = Informer(
            client: client,
            indices: [
                Self.byController: { pod in pod.metadata.controller.map { [$0.uid] } ?? [] },
                Self.orphans: { pod in pod.metadata.controller == nil ? [pod.metadata.namespace] : [] },
                Self.byNode: { pod in [pod.spec.nodeName ?? ""] },
            ], time: time, random: random)
        services = Informer(client: client, time: time, random: random)
        endpointSlices = Informer(
            client: client,
            indices: [
                EndpointSlicePlan.manager: { Self.service(of: $0, managedBy: EndpointSlicePlan.manager) },
                MirroringPlan.manager: { Self.service(of: $0, managedBy: MirroringPlan.manager) },
            ], time: time, random: random)
        endpoints = Informer(client: client, time: time, random: random)
        deployments = Informer(client: client, time: time, random: random)
        replicaSets = Informer(client: client, time: time, random: random)
        configMaps = Informer(client: client, trim: Self.withoutForeignData, time: time, random: random)
        secrets = Informer(client: client, trim: { $0.storage["data"] = nil }, time: time, random: random)
        serviceAccounts = Informer(client: client, time: time, random: random)
        leases = Informer(client: client, time: time, random: random)
        controllerRevisions = Informer(
            client: client, trim: { $0.storage["data"] = nil }, time: time, random: random)
    }

    private static func service(of slice: EndpointSlice, managedBy manager: String) -> [String] {
        let labels = slice.metadata.labels
        guard labels[EndpointSlicePlan.managerLabel] == manager, let service = labels[EndpointSlicePlan.serviceLabel]
        else { return [] }
        return ["\(slice.metadata.namespace)/\(service)"]
    }

    /// Of most ConfigMaps the controllers need to know only that they are there.
    private static let withoutForeignData: @Sendable (inout ConfigMap) -> Void = { map in
        guard map.metadata.name != NamespaceContentsController.authorityName else { return }
        map.storage["data"] = nil
        map.storage["binaryData"] = nil
    }

    /// Every kind that is served but for events, which are too many, and end by themselves.
    package var all: [any ObjectInformer] {
        [
            namespaces, nodes, pods, services, endpointSlices, endpoints, deployments, replicaSets, configMaps, secrets,
            serviceAccounts, leases, controllerRevisions,
        ]
    }

    /// Keeps all of them up to date until the task is cancelled.
    package func run() async {
        await withDiscardingTaskGroup { group in
            for informer in all { group.addTask { await informer.run() } }
        }
    }
}

/// An informer, of whatever kind.
package protocol ObjectInformer<Object>: Sendable {
    associatedtype Object: APIObject

    func run() async
    func waitUntilSynced() async -> Bool
    func list(in namespace: String?) -> [Object]
    func subscribe() -> InformerSubscription<Object>
}

extension Informer: ObjectInformer {}

extension ObjectInformer {
    /// Tells every change until the task is cancelled: the objects before and after it.
    func follow(_ body: (_ before: Object?, _ after: Object?) -> Void) async {
        for await event in subscribe() {
            switch event {
            case .added(let object): body(nil, object)
            case .updated(let old, let new): body(old, new)
            case .deleted(let object): body(object, nil)
            case .synced: break
            }
        }
    }
}
