import APIMachinery
import CRI
import KubernetesAPI
import Testing

@testable import Kubelet

@Suite struct PodResourcesTests {
    private func container(
        _ requests: [String: Quantity] = [:], _ limits: [String: Quantity] = [:], sidecar: Bool = false
    ) -> Container {
        Container {
            $0.name = "c"
            if sidecar { $0.restartPolicy = "Always" }
            $0.resources = ResourceRequirements {
                $0.requests = requests
                $0.limits = limits
            }
        }
    }

    private func spec(_ containers: [Container], inits: [Container] = []) -> PodSpec {
        PodSpec {
            $0.containers = containers
            $0.initContainers = inits
        }
    }

    @Test func limitsAreSummedWhereEveryContainerHasOne() {
        let limits: [String: Quantity] = ["cpu": Quantity(milli: 200), "memory": Quantity(1_000)]
        let all = ContainerResources(of: spec([container([:], limits), container([:], limits)]), processLimit: 7)
        #expect(all.memoryLimit == 2_000 && all.cpuLimit == 400 && all.cpuRequest == 400 && all.processLimit == 7)
        let some = ContainerResources(of: spec([container([:], limits), container(["cpu": Quantity(1)])]))
        #expect(some.memoryLimit == nil && some.cpuLimit == nil && some.cpuRequest == 1_200)
    }

    @Test func aLimitThatIsNotSetIsTheNodes() {
        let node: [String: Quantity] = ["cpu": Quantity(milli: 1_500), "memory": Quantity(3 << 20)]
        func value(_ container: Container, _ path: String, _ divisor: Quantity? = nil) -> String? {
            container.resourceValue(path, divisor: divisor, allocatable: node)
        }
        let bare = Container { $0.name = "c" }
        #expect(value(bare, "limits.cpu") == "2" && value(bare, "limits.cpu", Quantity(milli: 1)) == "1500")
        #expect(value(bare, "limits.memory", Quantity(1 << 20)) == "3" && value(bare, "requests.memory") == "0")
        #expect(value(bare, "limits") == nil && value(bare, "usage.cpu") == nil)
        let limited = container([:], ["cpu": Quantity(4)])
        #expect(value(limited, "limits.cpu") == "4" && value(limited, "requests.cpu") == "4")
    }

    @Test func volumesInMemoryAreBoundedByThePodAndTheNode() {
        func size(_ limit: Int64?, pod: Int64?, node: Int64? = 1_000, medium: String = "Memory") -> Int64? {
            let source = EmptyDirVolumeSource {
                $0.medium = medium
                $0.sizeLimit = limit.map { Quantity($0) }
            }
            let limits = pod.map { ["memory": Quantity($0)] } ?? [:]
            let bounded = source.bounded(for: spec([container([:], limits)]), allocatable: node.map { Quantity($0) })
            return bounded.sizeLimit?.value
        }
        #expect(size(nil, pod: nil) == 1_000 && size(0, pod: nil) == 1_000)
        #expect(size(nil, pod: 64) == 64 && size(500, pod: 64) == 64 && size(50, pod: 64) == 50)
        #expect(size(5_000, pod: 4_000) == 1_000 && size(nil, pod: nil, node: nil) == nil)
        #expect(size(5_000, pod: 64, medium: "") == 5_000)
    }

    @Test func anInitContainerRunsBesideTheSidecarsBeforeIt() {
        let memory = { (bytes: Int64) -> [String: Quantity] in ["memory": Quantity(bytes)] }
        let pod = spec(
            [container([:], memory(100))],
            inits: [container([:], memory(10), sidecar: true), container([:], memory(500))])
        #expect(ContainerResources(of: pod).memoryLimit == 510)
        #expect(ContainerResources(of: pod).memoryRequest == 510)
    }

    @Test func whatThePodSaysAsAWholeStands() {
        var whole = spec([container(["memory": Quantity(100)], ["memory": Quantity(200)]), container()])
        whole.resources = ResourceRequirements {
            $0.limits = ["memory": Quantity(1_000), "cpu": Quantity(milli: 500)]
            $0.requests = ["memory": Quantity(700)]
        }
        let resources = ContainerResources(of: whole)
        #expect(resources.memoryLimit == 1_000 && resources.cpuLimit == 500)
        #expect(resources.memoryRequest == 700 && resources.cpuRequest == 500)
        #expect(whole.memoryShare == 300)
        var score = ContainerResources()
        score.memoryRequest = 100
        #expect(score.oomScore(.burstable, nodeMemory: 1_000, share: whole.memoryShare) == 600)
        #expect(score.oomScore(.burstable, nodeMemory: 1_000) == 900)
        #expect(spec([container()]).memoryShare == 0)
    }

    @Test func whatIsReservedIsReadAndTakenOff() {
        var reserved = ReservedResources()
        #expect(reserved.add("cpu=100m,memory=200Mi,pid=500") == nil)
        #expect(reserved.add("memory=56Mi,ephemeral-storage=1Gi") == nil)
        #expect(reserved.cpuMilli == 100 && reserved.memoryBytes == 256 << 20 && reserved.processes == 500)
        #expect(reserved.diskBytes == 1 << 30)
        #expect(reserved.rest(of: 50, reserved.cpuMilli) == 0)
        for text in ["memory", "memory=x", "gold=1", "cpu=-1"] { #expect(reserved.add(text) != nil) }
        #expect(reserved.add("") == nil)
    }
}
