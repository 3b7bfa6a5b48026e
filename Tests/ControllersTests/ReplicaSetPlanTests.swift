import APIMachinery
import KubernetesAPI
import TestSupport
import Testing

@testable import Controllers

@Suite struct ReplicaSetPlanTests {
    private static let now = Timestamp(seconds: 2_000_000)

    static func set(_ replicas: Int32) -> ReplicaSet {
        ReplicaSet(name: "web", namespace: "default") { set in
            set.metadata.uid = "set"
            set.spec.replicas = replicas
            set.spec.selector = LabelSelector { $0.matchLabels = ["app": "web"] }
            set.spec.template.metadata.labels = ["app": "web"]
        }
    }

    static func pod(_ name: String, owner: ReplicaSet? = set(0), _ change: (inout Pod) -> Void = { _ in }) -> Pod {
        var pod = Pod(name: name, namespace: "default") { pod in
            pod.metadata.uid = name
            pod.metadata.labels = ["app": "web"]
            pod.metadata.resourceVersion = "1"
            if let owner { pod.metadata.ownerReferences = [owner.controllerReference()] }
        }
        change(&pod)
        return pod
    }

    private static func ready(_ pod: inout Pod) {
        pod.spec.nodeName = "node"
        pod.status.phase = "Running"
        pod.status.conditions = [
            PodCondition {
                $0.type = "Ready"
                $0.status = "True"
                $0.lastTransitionTime = Timestamp(seconds: 1_999_990)
            }
        ]
    }

    @Test func makesWhatIsMissing() {
        let plan = ReplicaSetPlan(for: Self.set(3), pods: [Self.pod("a")], now: Self.now)
        guard case .create(let pod, let count)? = plan.actions.first else {
            Issue.record("no pod is made")
            return
        }
        #expect(count == 2)
        #expect(pod.metadata.generateName == "web-")
        #expect(pod.metadata.controller?.uid == "set")
    }

    @Test func deletesTheLeastUsefulFirst() {
        let pods = [
            Self.pod("ready", Self.ready), Self.pod("assigned") { $0.spec.nodeName = "node" }, Self.pod("new"),
        ]
        let plan = ReplicaSetPlan(for: Self.set(1), pods: pods, now: Self.now)
        let deleted = plan.actions.compactMap { action -> String? in
            if case .delete(let pod) = action { pod.metadata.name } else { nil }
        }
        #expect(deleted == ["new", "assigned"])
    }

    @Test func adoptsOrphansAndReleasesStrays() {
        let stray = Self.pod("stray") { $0.metadata.labels = ["app": "other"] }
        let orphan = Self.pod("orphan", owner: nil)
        let plan = ReplicaSetPlan(for: Self.set(1), pods: [stray, orphan], now: Self.now)
        #expect(plan.actions.prefix(2) == [.adopt(orphan), .release(stray)])
        #expect(!plan.actions.contains { if case .create = $0 { true } else { false } })
    }

    @Test func availabilityTakesItsTime() {
        var set = Self.set(1)
        set.spec.minReadySeconds = 30
        let plan = ReplicaSetPlan(for: set, pods: [Self.pod("a", Self.ready)], now: Self.now)
        #expect(plan.nextLook == Timestamp(seconds: 2_000_020))
        guard case .updateStatus(let status)? = plan.actions.last else {
            Issue.record("no status is written")
            return
        }
        #expect(status.readyReplicas == 1)
        #expect(status.availableReplicas == 0)
    }

    /// Whatever the view's lag, never more pods are made than wanted, and none is deleted twice.
    @Test(arguments: UInt64(1)...12)
    func aLaggingViewMakesNoPodTwice(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var truth: [Pod] = []
        var view: [Pod] = []
        var version: UInt64 = 1
        var seen: UInt64 = 1
        var overlay = PodOverlay()
        for step in 0..<200 {
            let wanted = Int32.random(in: 0...6, using: &random)
            let pods = overlay.apply(to: view, at: seen)
            for action in ReplicaSetPlan(for: Self.set(wanted), pods: pods, now: Self.now).actions {
                switch action {
                case .create(_, let count):
                    for index in 0..<count {
                        version += 1
                        var pod = Self.pod("pod-\(step)-\(index)")
                        pod.metadata.resourceVersion = String(version)
                        truth.append(pod)
                        overlay.didCreate(pod)
                    }
                case .delete(let pod):
                    let index = truth.firstIndex { $0.metadata.uid == pod.metadata.uid }
                    #expect(index != nil, "seed \(seed): a pod is deleted twice")
                    version += 1
                    if let index { truth.remove(at: index) }
                    overlay.didDelete(uid: pod.metadata.uid)
                default: break
                }
            }
            #expect(truth.count == Int(wanted), "seed \(seed), step \(step)")
            if Int.random(in: 0..<4, using: &random) == 0 {
                view = truth
                seen = version
            }
        }
    }
}
