import APIMachinery
import KubernetesAPI
import Testing

@testable import Kubelet

/// Pods that name the node themselves.
@Suite struct PlacementTests {
    private let allocatable: [String: Quantity] = [
        "cpu": Quantity(2), "memory": Quantity(1_000), "pods": Quantity(Int64(3)),
    ]

    private func asking(_ requests: [String: Quantity] = [:], port: Int32? = nil, address: String? = nil) -> Pod {
        pod {
            $0.spec.containers[0].resources = ResourceRequirements { $0.requests = requests }
            if let port {
                $0.spec.containers[0].ports = [
                    ContainerPort {
                        $0.containerPort = port
                        $0.hostPort = port
                        $0.hostIP = address
                        $0.protocol = "TCP"
                    }
                ]
            }
        }
    }

    private func refusal(of pod: Pod, beside others: [Pod] = []) -> PodTermination? {
        PodTermination.refusal(
            of: pod, NodeClaim(pod.spec), beside: others.map { NodeClaim($0.spec) }, allocatable: allocatable)
    }

    @Test func whatTheNodeHasNotLeftIsNamed() {
        let half = asking(["cpu": Quantity(1), "memory": Quantity(600)])
        #expect(refusal(of: half) == nil && refusal(of: asking(), beside: [half, half]) == nil)
        let cpu = refusal(of: asking(["cpu": Quantity(milli: 1_001)]), beside: [half])
        #expect(cpu?.reason == "OutOfcpu" && cpu?.isRejection == true)
        #expect(
            cpu?.message
                == "Pod was rejected: Node didn't have enough resource: cpu, requested: 1001, used: 1000, capacity: 2000"
        )
        #expect(refusal(of: half, beside: [half])?.reason == "OutOfmemory")
        #expect(refusal(of: asking(), beside: [asking(), asking(), asking()])?.reason == "OutOfpods")
        var critical = asking(["cpu": Quantity(100)])
        critical.spec.priority = 2_000_000_000
        #expect(refusal(of: critical) == nil)
        var known = asking(["cpu": Quantity(100)])
        known.status.startTime = .epoch
        #expect(refusal(of: known) == nil)
    }

    @Test func aPortThatIsTakenIsRefused() {
        let taken = asking(port: 80)
        #expect(refusal(of: asking(port: 81), beside: [taken]) == nil)
        let refusal = refusal(of: asking(port: 80, address: "192.0.2.1"), beside: [taken])
        #expect(refusal?.reason == "NodePorts")
        #expect(
            refusal?.message
                == "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
        )
        let apart = asking(port: 80, address: "192.0.2.2")
        #expect(self.refusal(of: asking(port: 80, address: "192.0.2.1"), beside: [apart]) == nil)
    }

    @Test func labelsAndTheOperatingSystemMustMatch() {
        let picky = pod { $0.spec.nodeSelector = ["disk": "fast"] }
        #expect(PodTermination.refusal(of: picky, onNode: "n", labels: ["disk": "fast"]) == nil)
        #expect(PodTermination.refusal(of: picky, onNode: "n", labels: ["disk": "slow"])?.reason == "NodeAffinity")
        let term = NodeSelectorTerm {
            $0.matchFields = [
                NodeSelectorRequirement {
                    $0.key = "metadata.name"
                    $0.operator = "In"
                    $0.values = ["n"]
                }
            ]
        }
        let named = pod {
            $0.spec.affinity = Affinity {
                $0.nodeAffinity = NodeAffinity {
                    $0.requiredDuringSchedulingIgnoredDuringExecution = NodeSelector { $0.nodeSelectorTerms = [term] }
                }
            }
        }
        #expect(PodTermination.refusal(of: named, onNode: "n", labels: [:]) == nil)
        #expect(PodTermination.refusal(of: named, onNode: "m", labels: [:]) != nil)
        #expect(PodTermination.refusal(ofForeign: pod { $0.spec.os = PodOS { $0.name = "linux" } }) == nil)
        let foreign = PodTermination.refusal(ofForeign: pod { $0.spec.os = PodOS { $0.name = "windows" } })
        #expect(foreign?.reason == "PodOSNotSupported")
    }

    /// What became of it is told by its worker alone.
    @Test func aStaticPodThatHasEndedTakesNothing() async throws {
        let fixture = DirectoryFixture(allocatable: allocatable, staticPhase: { _ in "Succeeded" })
        let work = Task { await fixture.directory.run() }
        for (uid, source) in [("once", PodDirectory.Source.manifests), ("next", .api), ("late", .api)] {
            var pod = asking(["cpu": Quantity(2)])
            pod.metadata.uid = uid
            fixture.directory.set(pod, from: source)
        }
        await fixture.waitForPublication(of: "late")
        #expect(fixture.published["late"]?.reason == "OutOfcpu" && fixture.published["next"]?.phase != "Failed")
        work.cancel()
        await work.value
    }

    /// What is refused or has ended takes nothing.
    @Test func onlyPodsThatAreThereCount() async throws {
        let fixture = DirectoryFixture(allocatable: allocatable)
        func set(_ uid: String, cpu: Int64) {
            var pod = asking(["cpu": Quantity(cpu)])
            pod.metadata.uid = uid
            fixture.directory.set(pod, from: .api)
        }
        let work = Task { await fixture.directory.run() }
        set("large", cpu: 3)
        set("first", cpu: 2)
        set("second", cpu: 1)
        for uid in ["large", "second"] { await fixture.waitForPublication(of: uid) }
        #expect(fixture.published["large"]?.reason == "OutOfcpu" && fixture.published["second"]?.reason == "OutOfcpu")
        #expect(fixture.published["first"]?.phase != "Failed")
        work.cancel()
        await work.value
    }
}
