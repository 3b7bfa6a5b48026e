import APIMachinery
import KubernetesAPI
import Testing

@testable import Scheduler

/// Where pods go, by each rule.
@Suite struct PlacementTests {
    @Test func selectorAndAffinityChooseTheNode() {
        var core = Made.core([Made.node("a"), Made.node("b", labels: ["disk": "fast"])])
        #expect(Made.placement(of: Made.pod("selected") { $0.spec.nodeSelector = ["disk": "fast"] }, in: &core) == "b")
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
        #expect(Made.placement(of: away, in: &core) == "a")
    }

    @Test func hostPortsAreTakenOnce() {
        var core = Made.core([Made.node("a"), Made.node("b")])
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
        let places = [Made.placement(of: web("1"), in: &core), Made.placement(of: web("2"), in: &core)]
        #expect(Set(places) == ["a", "b"])
        #expect(
            Made.message(of: web("3"), in: &core)
                == "0/2 nodes are available: 2 node(s) didn't have free ports for the requested pod ports.")
    }

    @Test func antiAffinitySpreads() {
        var core = Made.core([Made.node("a"), Made.node("b")])
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
        let places = [Made.placement(of: apart("1"), in: &core), Made.placement(of: apart("2"), in: &core)]
        #expect(Set(places) == ["a", "b"])
        #expect(
            Made.message(of: apart("3"), in: &core)
                == "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules.")
        // The first ones shun a newcomer that has no rules itself.
        let plain = Made.pod("plain") { $0.metadata.labels = ["app": "db"] }
        #expect(
            Made.message(of: plain, in: &core)
                == "0/2 nodes are available: 2 node(s) didn't satisfy existing pods anti-affinity rules.")
    }

    @Test func spreadConstraintsHold() {
        let zones = ["a": "x", "b": "x", "c": "y"]
        var core = Made.core(zones.map { Made.node($0.key, labels: ["zone": $0.value]) })
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
            let place = Made.placement(of: pod, in: &core)
            perZone[place.flatMap { zones[$0] } ?? "none", default: 0] += 1
        }
        #expect(perZone == ["x": 5, "y": 5])
    }

    /// Near one pod that meets both terms, not near two that meet one each.
    @Test func affinityTermsAreMetByOnePod() {
        var core = Made.core([Made.node("a"), Made.node("b")])
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
        #expect(Made.placement(of: near, in: &core) == "b")
    }

    /// A pod that is going is nothing to keep a distance from.
    @Test func spreadLeavesOutPodsThatEnd() {
        var core = Made.core([Made.node("a"), Made.node("b")])
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
        #expect(Made.placement(of: web("new", nil, false), in: &core) == "b")
    }

    @Test func equalNodesShareTheLoad() {
        var core = Made.core((0..<4).map { Made.node("node-\($0)") })
        var perNode: [String: Int] = [:]
        for number in 0..<40 {
            perNode[Made.placement(of: Made.pod("pod-\(number)"), in: &core) ?? "none", default: 0] += 1
        }
        #expect(perNode.values.allSatisfy { $0 == 10 }, "\(perNode)")
    }
}
