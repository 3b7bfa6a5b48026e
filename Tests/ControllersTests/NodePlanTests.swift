import APIMachinery
import KubernetesAPI
import Testing

@testable import Controllers

@Suite struct NodePlanTests {
    private static let now = Timestamp(seconds: 3_000_000)

    private static let node = Node(name: "worker") { node in
        node.status.conditions = [
            NodeCondition {
                $0.type = "Ready"
                $0.status = "True"
            }
        ]
    }

    @Test func aLostNodeIsMarkedAndTainted() throws {
        let plan = NodePlan(for: Self.node, pods: [], isLost: true, now: Self.now, uptime: .zero)
        guard case .updateStatus(let status)? = plan.actions.first, case .setTaints(let taints)? = plan.actions.last
        else {
            Issue.record("the node is not marked")
            return
        }
        #expect(status.conditions.first { $0.type == "Ready" }?.status == "Unknown")
        #expect(
            taints.map { "\($0.key):\($0.effect)" } == [
                "node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute",
            ])
    }

    @Test func taintsGoWhenTheNodeIsBack() {
        var node = Self.node
        let own = Taint {
            $0.key = "example.com/own"
            $0.effect = "NoSchedule"
        }
        node.spec.taints = [
            own,
            Taint {
                $0.key = "node.kubernetes.io/not-ready"
                $0.effect = "NoSchedule"
            },
        ]
        let plan = NodePlan(for: node, pods: [], isLost: false, now: Self.now, uptime: .zero)
        #expect(plan.actions == [.setTaints([own])])
    }

    private static let tainted = Node(name: "worker") { node in
        node.status.conditions = Self.node.status.conditions
        node.spec.taints = [
            Taint {
                $0.key = "example.com/maintenance"
                $0.effect = "NoExecute"
                $0.timeAdded = Timestamp(seconds: 1_000_000)
            }
        ]
    }

    private static func pod(_ name: String, seconds: [Int64?]) -> Pod {
        Pod(name: name) { pod in
            pod.metadata.uid = name
            pod.spec.tolerations = seconds.map { seconds in
                Toleration {
                    $0.key = "example.com/maintenance"
                    $0.operator = "Exists"
                    $0.tolerationSeconds = seconds
                }
            }
        }
    }

    private static func plan(_ pods: [Pod], _ tolerating: [String: Duration], at uptime: Duration) -> NodePlan {
        NodePlan(for: tainted, pods: pods, isLost: false, tolerating: tolerating, now: now, uptime: uptime)
    }

    @Test func podsLeaveWhenTheirTolerationEnds() {
        let pods = [
            Self.pod("other", seconds: []), Self.pod("patient", seconds: [300]), Self.pod("stays", seconds: [nil]),
        ]
        let first = Self.plan(pods, [:], at: .seconds(50))
        #expect(first.actions == [.evict(pods[0])])
        #expect(first.nextLook == .seconds(350))
        let second = Self.plan(Array(pods.dropFirst()), first.tolerating, at: .seconds(349))
        #expect(second.actions == [])
        #expect(second.nextLook == .seconds(350))
        let third = Self.plan(Array(pods.dropFirst()), second.tolerating, at: .seconds(350))
        #expect(third.actions == [.evict(pods[1])])
    }

    @Test func aPodsTimeBeginsWhenItIsFirstSeenWithTheTaint() {
        let early = Self.pod("early", seconds: [60])
        let late = Self.pod("late", seconds: [60])
        let first = Self.plan([early], [:], at: .seconds(10))
        let second = Self.plan([early, late], first.tolerating, at: .seconds(40))
        #expect(second.tolerating == ["early": .seconds(10), "late": .seconds(40)])
        #expect(Self.plan([early, late], second.tolerating, at: .seconds(80)).actions == [.evict(early)])
        let untainted = NodePlan(
            for: Self.node, pods: [late], isLost: false, tolerating: second.tolerating, now: Self.now,
            uptime: .seconds(90))
        #expect(untainted.tolerating == [:])
    }

    @Test func theFirstTolerationOfATaintCounts() {
        #expect(Self.plan([Self.pod("a", seconds: [nil, 0])], [:], at: .zero).actions == [])
        let pod = Self.pod("a", seconds: [0, nil])
        #expect(Self.plan([pod], [:], at: .zero).actions == [.evict(pod)])
    }

    @Test func aRenewedLeaseIsASignOfLife() {
        var health = NodeHealth(grace: .seconds(50))
        let lease = { (second: Int64) in
            Lease(name: "worker") { $0.spec.renewTime = MicroTime(Timestamp(seconds: second)) }
        }
        health.note(Self.node, lease: lease(1), now: .seconds(100))
        health.note(Self.node, lease: lease(1), now: .seconds(120))
        #expect(health.deadline("worker") == .seconds(150))
        health.note(Self.node, lease: lease(2), now: .seconds(130))
        #expect(health.deadline("worker") == .seconds(180))
    }

    /// While nothing can be written no node can renew its lease.
    @Test func silenceThatTheClusterCouldNotHearIsExcused() {
        var health = NodeHealth(grace: .seconds(50))
        health.note(Self.node, lease: nil, now: .seconds(100))
        health.excuse("worker", now: .seconds(150))
        health.note(Self.node, lease: nil, now: .seconds(160))
        #expect(health.deadline("worker") == .seconds(200))
        health.excuse("unknown", now: .seconds(150))
        #expect(health.deadline("unknown") == nil)
    }
}

@Suite struct OwnerGraphTests {
    private static func item(
        _ uid: String, owners: [String] = [], finalizers: [String] = [], isEnding: Bool = false
    ) -> OwnerGraph.Item {
        OwnerGraph.Item(
            ReplicaSet(name: uid, namespace: "default") { set in
                set.metadata.uid = uid
                set.metadata.finalizers = finalizers
                if isEnding { set.metadata.deletionTimestamp = .epoch }
                set.metadata.ownerReferences = owners.map { owner in
                    OwnerReference {
                        $0.uid = owner
                        $0.blockOwnerDeletion = true
                    }
                }
            })
    }

    @Test func whatNobodyOwnsIsDeleted() {
        var graph = OwnerGraph()
        _ = graph.put(Self.item("owner"))
        _ = graph.put(Self.item("owned", owners: ["owner"]))
        #expect(graph.verdict(on: "owned") == .nothing)
        #expect(graph.remove("owner") == ["owned"])
        guard case .ask = graph.verdict(on: "owned") else {
            Issue.record("the server is not asked")
            return
        }
        #expect(graph.verdict(on: "owned", absent: ["owner"]) == .delete(propagation: "Background"))
    }

    @Test func aSecondOwnerHolds() {
        var graph = OwnerGraph()
        _ = graph.put(Self.item("other"))
        _ = graph.put(Self.item("owned", owners: ["owner", "other"]))
        guard case .disown(let gone) = graph.verdict(on: "owned", absent: ["owner"]) else {
            Issue.record("the owner that is gone is kept")
            return
        }
        #expect(gone.map { $0.uid } == ["owner"])
    }

    @Test func foregroundWaitsForDependents() {
        var graph = OwnerGraph()
        let owner = Self.item("owner", finalizers: ["foregroundDeletion"], isEnding: true)
        _ = graph.put(owner)
        _ = graph.put(Self.item("owned", owners: ["owner"]))
        #expect(graph.verdict(on: "owner") == .nothing)
        #expect(graph.verdict(on: "owned") == .delete(propagation: "Background"))
        #expect(graph.remove("owned") == ["owner"])
        #expect(graph.verdict(on: "owner") == .removeFinalizer("foregroundDeletion"))
    }

    @Test func aCircleIsOpenedWhereItCloses() {
        var graph = OwnerGraph()
        _ = graph.put(Self.item("a", owners: ["c"], finalizers: ["foregroundDeletion"], isEnding: true))
        _ = graph.put(Self.item("b", owners: ["a"]))
        let last = Self.item("c", owners: ["b"])
        _ = graph.put(last)
        #expect(graph.verdict(on: "b") == .delete(propagation: "Foreground"))
        _ = graph.put(Self.item("b", owners: ["a"], finalizers: ["foregroundDeletion"], isEnding: true))
        #expect(graph.verdict(on: "c") == .unblock(last.owners))
    }

    @Test func orphansLoseTheirOwner() {
        var graph = OwnerGraph()
        _ = graph.put(Self.item("owner", finalizers: ["orphan"], isEnding: true))
        let owned = Self.item("owned", owners: ["owner"])
        _ = graph.put(owned)
        #expect(graph.verdict(on: "owner") == .orphanDependents([owned]))
        #expect(graph.put(Self.item("owned")).contains("owner"))
        #expect(graph.verdict(on: "owner") == .removeFinalizer("orphan"))
    }
}
