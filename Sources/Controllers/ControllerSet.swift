import APIMachinery
import Client
import KubernetesAPI
import Logging

/// What every controller works with.
struct ControllerContext: Sendable {
    let client: APIClient
    let informers: ControllerInformers
    let time: any TimeSource
    let random: RandomSource
    let log: Logger

    /// For the events of one controller, which runs it.
    func recorder(_ component: String) -> EventRecorder {
        EventRecorder(client: client, component: component, time: time, random: random, log: log)
    }
}

/// All controllers. They read `informers`, which the caller keeps running, and write through `client`.
package struct ControllerSet: Sendable {
    /// What controllers need to know of the cluster.
    package struct Settings: Sendable {
        /// The cluster's certificate authority in PEM, published to every namespace.
        package var rootCertificate: String
        /// Signs the tokens that secrets ask for; nil: such secrets are left alone.
        package var tokenSigner: TokenSigner?
        /// How long a node may be silent before it counts as lost.
        package var nodeGrace: Duration
        /// How long a node may be missing before the pods that name it go.
        package var nodeQuarantine: Duration
        /// How pod addresses are shared out among nodes; nil: they are not.
        package var podNetworks: PodNetworks?

        package init(
            rootCertificate: String, tokenSigner: TokenSigner? = nil, nodeGrace: Duration = .seconds(50),
            nodeQuarantine: Duration = .seconds(40),
            podNetworks: PodNetworks? = nil
        ) {
            self.rootCertificate = rootCertificate
            self.tokenSigner = tokenSigner
            self.nodeGrace = nodeGrace
            self.nodeQuarantine = nodeQuarantine
            self.podNetworks = podNetworks
        }
    }

    private let context: ControllerContext
    private let settings: Settings

    package init(
        _ settings: Settings, client: APIClient, informers: ControllerInformers, time: any TimeSource,
        random: RandomSource = RandomSource(), log: Logger = Logger(label: "swiftlet.controllers")
    ) {
        context = ControllerContext(client: client, informers: informers, time: time, random: random, log: log)
        self.settings = settings
    }

    /// Runs them until the task is cancelled.
    package func run() async {
        let context = context
        let settings = settings
        await withDiscardingTaskGroup { group in
            group.addTask { await DeploymentController(context).run() }
            group.addTask { await ReplicaSetController(context).run() }
            group.addTask { await EndpointSliceController(context).run() }
            group.addTask { await EndpointSliceMirroringController(context).run() }
            group.addTask { await NamespaceController(context).run() }
            group.addTask {
                await NamespaceContentsController(context, rootCertificate: settings.rootCertificate).run()
            }
            group.addTask { await NodeLifecycleController(context, grace: settings.nodeGrace).run() }
            group.addTask { await PodGCController(context, quarantine: settings.nodeQuarantine).run() }
            group.addTask { await GarbageCollector(context).run() }
            if let signer = settings.tokenSigner {
                group.addTask {
                    await SecretTokenController(context, rootCertificate: settings.rootCertificate, signer: signer)
                        .run()
                }
            }
            if let networks = settings.podNetworks {
                group.addTask { await NodeIPAMController(context, networks: networks).run() }
            }
        }
    }
}
