import APIMachinery
import Client
import KubernetesAPI
import Logging

/// Keeps EndpointSlices of every Endpoints object that someone else keeps for a service without a selector.
struct EndpointSliceMirroringController: Sendable {
    private static let workers = 2

    private let client: APIClient
    private let informers: ControllerInformers
    private let log: Logger
    private let events: EventRecorder
    private let queue: WorkQueue<ObjectKey>

    init(_ context: ControllerContext) {
        client = context.client
        informers = context.informers
        log = context.log
        events = context.recorder("endpoint-slice-mirroring-controller")
        queue = WorkQueue(time: context.time)
    }

    func run() async {
        guard await informers.services.waitUntilSynced(), await informers.endpointSlices.waitUntilSynced(),
            await informers.endpoints.waitUntilSynced()
        else { return }
        await withDiscardingTaskGroup { group in
            group.addTask { await events.run() }
            group.addTask {
                await informers.endpoints.follow { before, after in
                    (after ?? before).map { queue.add(ObjectKey($0)) }
                }
            }
            group.addTask {
                await informers.services.follow { before, after in
                    guard before?.spec.selector.isEmpty != after?.spec.selector.isEmpty else { return }
                    (after ?? before).map { queue.add(ObjectKey($0)) }
                }
            }
            group.addTask {
                await informers.endpointSlices.follow { before, after in
                    noteMirror(before)
                    noteMirror(after)
                }
            }
            group.addTask {
                await queue.reconcile(workers: Self.workers, "endpointslicemirroring", log: log) {
                    try await reconcile($0)
                }
            }
        }
    }

    private func noteMirror(_ slice: EndpointSlice?) {
        guard let metadata = slice?.metadata,
            metadata.labels[EndpointSlicePlan.managerLabel] == MirroringPlan.manager,
            let service = metadata.labels[EndpointSlicePlan.serviceLabel]
        else { return }
        queue.add(ObjectKey(namespace: metadata.namespace, name: service))
    }

    private func reconcile(_ key: ObjectKey) async throws -> Duration? {
        let slices = informers.endpointSlices.list(index: MirroringPlan.manager, key.description)
        let plan = MirroringPlan(of: informers.endpoints.get(key), for: informers.services.get(key), slices: slices)
        // What no slice can say of one group keeps no other, nor what is gone.
        var refusal: Status?
        for action in plan.actions {
            do throws(Status) { try await client.carryOut(action) } catch { refusal = refusal ?? error }
        }
        if let refusal {
            if refusal.isReason(.invalid), let endpoints = informers.endpoints.get(key) {
                events.record(
                    endpoints, .warning, reason: "FailedToUpdateEndpointSlices",
                    message: "Error updating Endpoint Slices for Endpoints \(key): \(refusal.message)")
            }
            throw refusal
        }
        if plan.skipped > 0, !plan.actions.isEmpty, let endpoints = informers.endpoints.get(key) {
            events.record(
                endpoints, .warning, reason: "TooManyAddressesToMirror",
                message: "A max of \(MirroringPlan.capacity) addresses can be mirrored to EndpointSlices per Endpoints "
                    + "subset. \(plan.skipped) addresses were skipped")
        }
        return nil
    }
}
