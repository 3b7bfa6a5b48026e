import APIMachinery
import CRI
import Client
import HTTP
import KubernetesAPI
import Linux
import Logging
import Synchronization

/// Runs the pods of one node: takes them from the API server and from a directory of manifests, gives each its worker, and reports the node.
///
/// Pods belong to no daemon: when `run` is cancelled they run on, and the next `run` takes them up from what the runtime has.
package final class Kubelet: Sendable {
    package struct Configuration: Sendable {
        package var identity: NodeIdentity
        package var facts: NodeFacts
        package var settings: PodSettings
        /// `/var/lib/swiftlet/kubelet`.
        package var dataDirectory: String
        /// `/run/swiftlet/kubelet`.
        package var runDirectory: String
        /// Manifests of static pods; empty: none.
        package var manifestDirectory: String
        /// The cgroup of all pods, absolute; empty: not known.
        package var podCgroup = ""
        /// Nil: pods are never evicted.
        package var eviction: EvictionSettings?

        package init(
            identity: NodeIdentity, facts: NodeFacts, settings: PodSettings, dataDirectory: String,
            runDirectory: String, manifestDirectory: String
        ) {
            self.identity = identity
            self.facts = facts
            self.settings = settings
            self.dataDirectory = dataDirectory
            self.runDirectory = runDirectory
            self.manifestDirectory = manifestDirectory
        }

        var node: NodeObject { NodeObject(identity: identity, facts: facts, eviction: eviction) }
    }

    let configuration: Configuration
    private let client: APIClient
    private let runtime: any RuntimeService
    private let images: any ImageService
    let time: any TimeSource
    private let random: RandomSource
    let logger: Logger
    let directory: PodDirectory
    private let executor: PodExecutor
    private let threads: BlockingThreads
    private let events: EventThread
    let recorder: EventRecorder
    private let reportFailures = KnownFailures()
    private let cordon = KnownCordon()
    private let moments: any PodMomentRecorder
    private let mirrors: MirrorPods
    let meter: any EvictionMeter
    let space: SpaceReclaimer
    private let fileMeter: PodFileMeter
    let pressures = NodePressures()
    private let host: HostWatch
    private let isShuttingDown = Atomic(false)
    /// Pods are being ended for that.
    private let isEndingPods = Atomic(false)

    /// - Parameter services: those of a namespace, which containers find in their environment; nil before the first list of them.
    package convenience init(
        _ configuration: Configuration, client: APIClient, runtime: any RuntimeService, images: any ImageService,
        probes: any ProbeTransport, threads: BlockingThreads, events: EventThread, host: HostWatch,
        services: @escaping @Sendable (_ namespace: String) -> [Service]?,
        moments: any PodMomentRecorder = NoPodMoments(), time: any TimeSource, logger: Logger
    ) {
        let directories = PodDirectories(data: configuration.dataDirectory, run: configuration.runDirectory)
        self.init(
            configuration, client: client, runtime: runtime, images: images,
            volumes: VolumeHost(directories: directories, threads: threads), probes: probes, threads: threads,
            events: events, host: host, services: services, moments: moments, time: time, random: RandomSource(),
            logger: logger)
    }

    init(
        _ configuration: Configuration, client: APIClient, runtime: any RuntimeService, images: any ImageService,
        volumes: any PodVolumes, probes: any ProbeTransport, threads: BlockingThreads, events: EventThread,
        host: HostWatch = HostWatch(), services: @escaping @Sendable (_ namespace: String) -> [Service]? = { _ in [] },
        moments: any PodMomentRecorder, time: any TimeSource, random: RandomSource, logger: Logger
    ) {
        self.host = host
        self.moments = moments
        self.configuration = configuration
        self.client = client
        self.runtime = runtime
        self.images = images
        self.time = time
        self.logger = logger
        self.threads = threads
        self.events = events
        self.random = random
        recorder = EventRecorder(
            client: client, component: "kubelet", host: configuration.identity.name, time: time, random: random)
        let sink = APIStatusSink(client: client)
        var settings = configuration.settings
        settings.allocatable = configuration.node.allocatable
        settings.seccompProfiles = configuration.dataDirectory + "/seccomp"
        mirrors = MirrorPods(
            client: client, node: configuration.identity.name, sink: sink, time: time, logger: logger)
        executor = PodExecutor(
            node: configuration.identity, runtime: runtime, images: images,
            pulls: PullRecords(
                directory: configuration.dataDirectory,
                threads: configuration.dataDirectory.isEmpty ? threads : BlockingThreads(count: 1)), volumes: volumes,
            source: TimedStatusSink(
                sink: MirroredStatusSink(mirrors: mirrors, sink: sink), moments: moments, time: time),
            objects: APIReferencedObjects(client: client),
            watches: ObjectWatches(client: client, time: time, random: random),
            recorder: TimedPodEvents(recorder: APIPodEvents(recorder: recorder), moments: moments, time: time),
            prober: Prober(runtime: runtime, transport: probes, time: time), settings: settings,
            links: ServiceLinks(services: services), time: time)
        directory = PodDirectory(
            executor: executor, staticPhase: { [mirrors] in mirrors.phase(of: $0) }, time: time, logger: logger)
        space = SpaceReclaimer(
            runtime: runtime, images: images, claims: executor.claims, threads: threads, time: time, logger: logger)
        fileMeter = PodFileMeter(
            runtime: runtime, threads: threads,
            directories: PodDirectories(data: configuration.dataDirectory, run: configuration.runDirectory),
            logRoot: configuration.settings.logRoot, time: time)
        meter = NodeMeter(
            runtime: runtime, images: images, threads: threads, events: events, files: fileMeter, space: space,
            dataDirectory: configuration.dataDirectory, podCgroup: configuration.podCgroup)
    }

    /// Returns when its task is cancelled.
    package func run() async {
        let reporter = reporter
        recorder.record(NodeEvents.starting(configuration.identity.name))
        await withDiscardingTaskGroup { group in
            group.addTask { await self.executor.settlePulls() }
            group.addTask { await self.directory.run() }
            group.addTask { await self.recorder.run() }
            group.addTask { await self.executor.watches.run() }
            group.addTask { await reporter.run() }
            group.addTask { await self.directory.followContainers() }
            group.addTask { await self.followPods() }
            group.addTask { await self.followManifests() }
            group.addTask { await self.mirrors.run() }
            if let settings = configuration.eviction {
                group.addTask { await self.evictor(settings).run() }
                group.addTask { await self.collectImages(settings) }
            }
            group.addTask { await self.followHost() }
            group.addTask { await self.followClock() }
        }
    }

    /// What waited for the end of a fault waits no longer. An event keeps what the condition has said: of a disk that took no writes it is the
    /// first that can be kept.
    private func followHost() async {
        for await _ in host.ends() {
            directory.tellAll(.unblocked)
            for episode in host.takeEpisodes() { recorder.record(episode.event(on: configuration.identity.name)) }
        }
    }

    /// A token has its times by the wall clock: what is set makes those in use good for nothing, or good for ever.
    private func followClock() async {
        for await _ in time.clockChanges() {
            executor.tokens.forgetAll()
            directory.tellAll(.clockSet)
        }
    }

    var reporter: NodeReporter {
        NodeReporter(
            object: configuration.node, client: client, runtime: runtime, images: images, time: time, logger: logger,
            host: host,
            isShuttingDown: { self.isShuttingDown.load(ordering: .relaxed) }, pressures: { self.pressures.current },
            tell: { self.recorder.record($0) }, failures: reportFailures, cordon: cordon)
    }

    /// Ends all pods because the machine shuts down, in the order of `ShutdownPlan`: the node says that it is not ready and takes no pod any
    /// more, and each pod fails with the reason `Terminated`. Nothing but a new process takes that back.
    /// - Parameters:
    ///   - grace: for all pods; a few seconds more go by for each stage where containers must be killed (`PodMachine.longestEnd`).
    ///   - criticalGrace: the part of it that critical pods have for themselves.
    /// - Returns: the pods, as `namespace/name`, of which something still runs; nil where this is under way already. Once it has been done it ends nothing
    ///   again.
    package func shutDown(grace: Duration, criticalGrace: Duration) async -> [String]? {
        guard !isEndingPods.exchange(true, ordering: .acquiringAndReleasing) else { return nil }
        defer { isEndingPods.store(false, ordering: .releasing) }
        if !isShuttingDown.exchange(true, ordering: .relaxed) {
            await endPods(grace: grace, criticalGrace: criticalGrace)
        }
        var left: [PodSandboxStatus] = []
        do throws(CRIError) { left = try await runtime.listPodSandboxes(PodSandboxFilter()).filter(\.isHeld) } catch {
            logger.warning("it is not known which pods still run", metadata: ["error": "\(error)"])
        }
        return left.map { "\($0.metadata.namespace)/\($0.metadata.name)" }.sorted()
    }

    private func endPods(grace: Duration, criticalGrace: Duration) async {
        logger.info("the machine shuts down", metadata: ["pods": "\(directory.pods.count)", "grace": "\(grace)"])
        directory.refuse(.notAdmitted)
        let reporter = reporter
        await within(.seconds(2)) {
            do throws(Status) { _ = try await reporter.report() } catch {
                self.logger.warning(
                    "the API server is not told that the node shuts down", metadata: ["error": "\(error.message)"])
            }
        }
        for stage in ShutdownPlan(directory.pods, grace: grace, criticalGrace: criticalGrace).stages {
            let directory = directory
            await within(PodMachine.longestEnd(within: stage.grace)) {
                await directory.terminate(stage.pods, .shutdown(grace: stage.grace))
            }
        }
    }

    /// Gives `body` up when `limit` is over.
    func within(_ limit: Duration, _ body: @escaping @Sendable () async -> Void) async {
        let time = time
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await body() }
            group.addTask { try? await time.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
    }

    /// The uids of all pods that this node has to do with, those that are leaving included; nil until the API server and the manifests have named
    /// theirs.
    package var knownPods: Set<String>? {
        directory.isSynced ? Set(directory.pods.map(\.metadata.uid)) : nil
    }

    /// The seconds that each pod's containers have to end, by its uid.
    package var graces: [String: Int64] {
        Dictionary(
            directory.pods.map { ($0.metadata.uid, $0.spec.terminationGracePeriodSeconds) }, uniquingKeysWith: { $1 })
    }

    /// What the API server and other clients ask of this node.
    package var endpoint: any HTTPHandler {
        KubeletEndpoint(
            runtime: runtime, directory: directory, threads: threads, events: events, time: time,
            stats: StatsReader(
                node: configuration.identity.name, runtime: runtime, images: images, threads: threads,
                dataDirectory: configuration.dataDirectory, meter: meter, fileMeter: fileMeter,
                pods: { [directory] in directory.pods }, time: time))
    }

    private func followPods() async {
        var selection = ListOptions()
        selection.fieldSelector = "spec.nodeName=\(configuration.identity.name)"
        let informer = Informer(Pod.self, client: client, selection: selection, time: time, random: random)
        await withDiscardingTaskGroup { group in
            group.addTask { await informer.run() }
            for await event in informer.subscribe() {
                switch event {
                case .added(let pod):
                    if !pod.isMirror { moments.record(PodMoment("kubelet.seen", of: pod, at: time.now())) }
                    take(pod)
                case .updated(let old, let new):
                    // The same name may have become another pod while the watch was away.
                    if old.metadata.uid != new.metadata.uid { drop(old) }
                    take(new)
                case .deleted(let pod): drop(pod)
                case .synced:
                    directory.synced(.api)
                    mirrors.synced()
                }
            }
            group.cancelAll()
        }
    }

    /// A mirror is not run: its static pod is.
    private func take(_ pod: Pod) {
        if pod.isMirror { return mirrors.setMirror(pod, pod.key) }
        var pod = pod
        // Where it comes from is not its author's to say: what manifests bring is spared much.
        if pod.isStatic { pod.metadata.annotations[StaticPodAnnotation.source] = "api" }
        directory.set(pod, from: .api)
    }

    private func drop(_ pod: Pod) {
        if pod.isMirror { mirrors.setMirror(nil, pod.key) } else { directory.remove(pod.metadata.uid, from: .api) }
    }

    private func followManifests() async {
        let source = ManifestDirectory(
            path: configuration.manifestDirectory, node: configuration.identity.name, threads: threads,
            events: events, logger: logger)
        await source.follow { change in
            switch change {
            case .set(let pod):
                moments.record(PodMoment("kubelet.seen", of: pod, at: time.now(), message: "static pod"))
                mirrors.set(pod)
                directory.set(pod, from: .manifests)
            case .removed(let uid):
                mirrors.remove(uid: uid)
                directory.remove(uid, from: .manifests)
            case .synced: directory.synced(.manifests)
            }
        }
    }
}
