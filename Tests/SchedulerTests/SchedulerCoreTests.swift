import APIMachinery
import KubernetesAPI
import Testing

@testable import Scheduler

/// Random numbers that a seed replays.
struct Seed: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}

enum Made {
    static func node(
        _ name: String, cpu: Int64 = 4, pods: Int64 = 110, labels: [String: String] = [:],
        _ change: (inout Node) -> Void = { _ in }
    ) -> Node {
        var node = Node(name: name) { node in
            node.metadata.labels = labels.merging(["kubernetes.io/hostname": name]) { own, _ in own }
            node.status.allocatable = [
                "cpu": Quantity(cpu), "memory": Quantity(8 << 30, format: .binary), "pods": Quantity(pods),
            ]
        }
        change(&node)
        return node
    }

    static func pod(_ name: String, milliCPU: Int64 = 0, _ change: (inout Pod) -> Void = { _ in }) -> Pod {
        var pod = Pod(name: name, namespace: "default") { pod in
            pod.metadata.uid = name
            pod.spec.containers = [
                Container { container in
                    container.name = "app"
                    guard milliCPU > 0 else { return }
                    container.resources = ResourceRequirements { $0.requests = ["cpu": Quantity(milli: milliCPU)] }
                }
            ]
        }
        change(&pod)
        return pod
    }
}

@Suite struct SchedulerCoreTests {
    private static func core(_ nodes: [Node]) -> SchedulerCore {
        var core = SchedulerCore()
        for node in nodes { core.noteNode(node, now: .zero) }
        return core
    }

    private static func placement(of pod: Pod, in core: inout SchedulerCore, now: Duration = .zero) -> String? {
        core.notePod(pod, now: now)
        guard case .bind(_, let node)? = core.next(now: now) else { return nil }
        return node
    }

    private static func message(of pod: Pod, in core: inout SchedulerCore) -> String? {
        core.notePod(pod, now: .zero)
        guard case .wait(_, let message)? = core.next(now: .zero) else { return nil }
        return message
    }

    @Test func saysWhyNothingFits() {
        var core = Self.core([
            Made.node("a", cpu: 1), Made.node("b") { $0.spec.unschedulable = true },
            Made.node("c") { node in
                node.spec.taints = [
                    Taint {
                        $0.key = "gpu"
                        $0.value = "only"
                        $0.effect = "NoSchedule"
                    }
                ]
            },
        ])
        #expect(
            Self.message(of: Made.pod("big", milliCPU: 2_000), in: &core)
                == "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {gpu: only}, "
                + "1 node(s) were unschedulable.")
        #expect(core.next(now: .zero) == nil)
    }

    @Test func saysThatThereIsNoNode() {
        var core = SchedulerCore()
        #expect(Self.message(of: Made.pod("a"), in: &core) == "no nodes available to schedule pods")
    }

    @Test func selectorAndAffinityChooseTheNode() {
        var core = Self.core([Made.node("a"), Made.node("b", labels: ["disk": "fast"])])
        #expect(Self.placement(of: Made.pod("selected") { $0.spec.nodeSelector = ["disk": "fast"] }, in: &core) == "b")
        let away = Made.pod("away") { pod in
            pod.spec.affinity = Affinity { affinity in
                affinity.nodeAffinity = NodeAffinity { rules in
                    rules.requiredDuringSchedulingIgnoredDuringExecution = NodeSelector { selector in
                        selector.nodeSelectorTerms = [
                            NodeSelectorTerm { term in
                                term.matchExpressions = [
                                    NodeSelectorRequirement {
                                        $0.key = "disk"
                                        $0.operator = "DoesNotExist"
                                    }
                                ]
                            }
                        ]
                    }
                }
            }
        }
        #expect(Self.placement(of: away, in: &core) == "a")
    }

    @Test func hostPortsAreTakenOnce() {
        var core = Self.core([Made.node("a"), Made.node("b")])
        let web = { (name: String) in
            Made.pod(name) { pod in
                pod.spec.containers[0].ports = [
                    ContainerPort {
                        $0.containerPort = 80
                        $0.hostPort = 80
                    }
                ]
            }
        }
        let places = [Self.placement(of: web("1"), in: &core), Self.placement(of: web("2"), in: &core)]
        #expect(Set(places) == ["a", "b"])
        #expect(
            Self.message(of: web("3"), in: &core)
                == "0/2 nodes are available: 2 node(s) didn't have free ports for the requested pod ports.")
    }

    @Test func antiAffinitySpreads() {
        var core = Self.core([Made.node("a"), Made.node("b")])
        let apart = { (name: String) in
            Made.pod(name) { pod in
                pod.metadata.labels = ["app": "db"]
                pod.spec.affinity = Affinity { affinity in
                    affinity.podAntiAffinity = PodAntiAffinity { rules in
                        rules.requiredDuringSchedulingIgnoredDuringExecution = [
                            PodAffinityTerm { term in
                                term.topologyKey = "kubernetes.io/hostname"
                                term.labelSelector = LabelSelector { $0.matchLabels = ["app": "db"] }
                            }
                        ]
                    }
                }
            }
        }
        let places = [Self.placement(of: apart("1"), in: &core), Self.placement(of: apart("2"), in: &core)]
        #expect(Set(places) == ["a", "b"])
        #expect(
            Self.message(of: apart("3"), in: &core)
                == "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules.")
        // The first ones shun a newcomer that has no rules itself.
        let plain = Made.pod("plain") { $0.metadata.labels = ["app": "db"] }
        #expect(
            Self.message(of: plain, in: &core)
                == "0/2 nodes are available: 2 node(s) didn't satisfy existing pods anti-affinity rules.")
    }

    @Test func spreadConstraintsHold() {
        let zones = ["a": "x", "b": "x", "c": "y"]
        var core = Self.core(zones.map { Made.node($0.key, labels: ["zone": $0.value]) })
        var perZone: [String: Int] = [:]
        for number in 0..<10 {
            let pod = Made.pod("pod-\(number)") { pod in
                pod.metadata.labels = ["app": "web"]
                pod.spec.topologySpreadConstraints = [
                    TopologySpreadConstraint { constraint in
                        constraint.topologyKey = "zone"
                        constraint.maxSkew = 1
                        constraint.whenUnsatisfiable = "DoNotSchedule"
                        constraint.labelSelector = LabelSelector { $0.matchLabels = ["app": "web"] }
                    }
                ]
            }
            let place = Self.placement(of: pod, in: &core)
            perZone[place.flatMap { zones[$0] } ?? "none", default: 0] += 1
        }
        #expect(perZone == ["x": 5, "y": 5])
    }

    /// Near one pod that meets both terms, not near two that meet one each.
    @Test func affinityTermsAreMetByOnePod() {
        var core = Self.core([Made.node("a"), Made.node("b")])
        for (name, labels, node) in [
            ("one", ["app": "db"], "a"), ("two", ["tier": "hot"], "a"), ("both", ["app": "db", "tier": "hot"], "b"),
        ] {
            core.notePod(
                Made.pod(name) { pod in
                    pod.metadata.labels = labels
                    pod.spec.nodeName = node
                }, now: .zero)
        }
        let near = Made.pod("near") { pod in
            pod.spec.affinity = Affinity { affinity in
                affinity.podAffinity = PodAffinity { rules in
                    rules.requiredDuringSchedulingIgnoredDuringExecution = [["app": "db"], ["tier": "hot"]].map {
                        labels in
                        PodAffinityTerm { term in
                            term.topologyKey = "kubernetes.io/hostname"
                            term.labelSelector = LabelSelector { $0.matchLabels = labels }
                        }
                    }
                }
            }
        }
        #expect(Self.placement(of: near, in: &core) == "b")
    }

    /// A pod that is going is nothing to keep a distance from.
    @Test func spreadLeavesOutPodsThatEnd() {
        var core = Self.core([Made.node("a"), Made.node("b")])
        let web = { (name: String, node: String?, isEnding: Bool) in
            Made.pod(name) { pod in
                pod.metadata.labels = ["app": "web"]
                pod.spec.nodeName = node
                if isEnding { pod.metadata.deletionTimestamp = .epoch }
                pod.spec.topologySpreadConstraints = [
                    TopologySpreadConstraint { constraint in
                        constraint.topologyKey = "kubernetes.io/hostname"
                        constraint.maxSkew = 1
                        constraint.whenUnsatisfiable = "DoNotSchedule"
                        constraint.labelSelector = LabelSelector { $0.matchLabels = ["app": "web"] }
                    }
                ]
            }
        }
        for number in 0..<3 { core.notePod(web("old-\(number)", "b", true), now: .zero) }
        core.notePod(web("kept", "a", false), now: .zero)
        #expect(Self.placement(of: web("new", nil, false), in: &core) == "b")
    }

    @Test func roomThatComesBackIsUsed() {
        var core = Self.core([Made.node("a", cpu: 1)])
        #expect(Self.placement(of: Made.pod("first", milliCPU: 800), in: &core) == "a")
        core.bound("first", now: .zero)
        #expect(Self.message(of: Made.pod("second", milliCPU: 800), in: &core) != nil)
        core.noteNode(Made.node("a", cpu: 1, labels: ["new": "label"]), now: .seconds(1))
        #expect(core.next(now: .seconds(1)) == nil, "a label does not help")
        core.notePodGone("first", now: .seconds(2))
        guard case .bind(let pod, node: "a")? = core.next(now: .seconds(2)) else {
            Issue.record("the second pod still waits")
            return
        }
        #expect(pod.name == "second")
    }

    @Test func whyAPodWaitsIsSaidOnceAndAgainAfterALongTime() {
        var core = Self.core([Made.node("a", cpu: 1)])
        #expect(Self.message(of: Made.pod("big", milliCPU: 2_000), in: &core) != nil)
        func tryAgain(at now: Duration) -> SchedulerCore.Decision? {
            core.noteNode(Made.node("a", cpu: 1, pods: 110 + now.components.seconds), now: now)
            return core.next(now: now)
        }
        for second in 1..<60 {
            guard case .stillWait? = tryAgain(at: .seconds(second)) else {
                Issue.record("second \(second): not tried, or said again")
                return
            }
        }
        guard case .wait? = tryAgain(at: .seconds(301)) else {
            Issue.record("not said again")
            return
        }
        core.wasNotTold("big")
        guard case .wait? = tryAgain(at: .seconds(302)) else {
            Issue.record("what was not said is not said again")
            return
        }
    }

    @Test func manyPodsThatFitNowhereAreNotAllTriedAtEveryChange() {
        var core = Self.core([Made.node("a", cpu: 1)])
        for number in 0..<600 { core.notePod(Made.pod("big-\(number)", milliCPU: 2_000), now: .zero) }
        func tries(at now: Duration) -> Int {
            var count = 0
            while core.next(now: now) != nil { count += 1 }
            return count
        }
        #expect(tries(at: .zero) == 600)
        var early = 0
        for change in 0..<10 {
            core.notePod(Made.pod("small") { $0.spec.nodeName = "a" }, now: .milliseconds(10 + change))
            core.notePodGone("small", now: .milliseconds(10 + change))
            early += tries(at: .milliseconds(10 + change))
        }
        #expect(early == 500)
        // All others in their time.
        #expect(tries(at: .seconds(3)) >= 100)
        // One that comes now waits for none of them.
        core.notePodGone("small", now: .seconds(4))
        #expect(Self.placement(of: Made.pod("new", milliCPU: 100), in: &core, now: .seconds(4)) == "a")
    }

    @Test func aRefusedBindingGivesTheRoomBack() {
        var core = Self.core([Made.node("a", cpu: 1)])
        #expect(Self.placement(of: Made.pod("pod", milliCPU: 800), in: &core) == "a")
        core.bindingFailed("pod", now: .zero)
        #expect(core.cache["a"]?.requested.milliCPU == 0)
        #expect(core.next(now: .milliseconds(999)) == nil)
        #expect(core.nextWake == .seconds(1))
        guard case .bind? = core.next(now: .seconds(1)) else {
            Issue.record("the pod is not tried again")
            return
        }
    }

    @Test func importantPodsGoFirst() {
        var core = Self.core([Made.node("a")])
        core.notePod(Made.pod("low"), now: .zero)
        core.notePod(Made.pod("high") { $0.spec.priority = 10 }, now: .seconds(1))
        guard case .bind(let first, _)? = core.next(now: .seconds(1)) else {
            Issue.record("nothing is placed")
            return
        }
        #expect(first.name == "high")
    }

    @Test func gatedPodsWait() {
        var core = Self.core([Made.node("a")])
        let gated = Made.pod("pod") { $0.spec.schedulingGates = [PodSchedulingGate { $0.name = "example.com/wait" }] }
        #expect(Self.placement(of: gated, in: &core) == nil)
        #expect(Self.placement(of: Made.pod("pod"), in: &core) == "a")
    }

    @Test func equalNodesShareTheLoad() {
        var core = Self.core((0..<4).map { Made.node("node-\($0)") })
        var perNode: [String: Int] = [:]
        for number in 0..<40 {
            perNode[Self.placement(of: Made.pod("pod-\(number)"), in: &core) ?? "none", default: 0] += 1
        }
        #expect(perNode.values.allSatisfy { $0 == 10 }, "\(perNode)")
    }
}
