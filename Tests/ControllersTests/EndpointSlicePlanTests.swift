import APIMachinery
import KubernetesAPI
import TestSupport
import Testing

@testable import Controllers

@Suite struct EndpointSlicePlanTests {
    private static let service = Service(name: "web", namespace: "default") { service in
        service.metadata.uid = "service"
        service.spec.selector = ["app": "web"]
        service.spec.ports = [
            ServicePort {
                $0.port = 80
                $0.targetPort = "http"
            }
        ]
    }

    private static func pod(_ number: Int, isReady: Bool = true, isEnding: Bool = false, port: Int32 = 8_080) -> Pod {
        Pod(name: "web-\(number)", namespace: "default") { pod in
            pod.metadata.uid = "uid-\(number)"
            if isEnding { pod.metadata.deletionTimestamp = .epoch }
            pod.spec.nodeName = "node"
            pod.spec.containers = [
                Container { container in
                    container.ports = [
                        ContainerPort {
                            $0.name = "http"
                            $0.containerPort = port
                        }
                    ]
                }
            ]
            pod.status.podIPs = [PodIP { $0.ip = "10.0.\(number / 250).\(number % 250)" }]
            pod.status.conditions = [
                PodCondition {
                    $0.type = "Ready"
                    $0.status = isReady ? "True" : "False"
                }
            ]
        }
    }

    @Test(arguments: UInt64(1)...8)
    func everyPodIsInOneSlice(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var slices: [EndpointSlice] = []
        for _ in 0..<4 {
            let count = Int.random(in: 0...260, using: &random)
            let pods = (0..<count).map { number in
                Self.pod(number, isReady: number % 3 != 0, port: number % 50 == 0 ? 9_090 : 8_080)
            }
            let plan = EndpointSlicePlan(for: Self.service, pods: pods, slices: slices, zones: [:])
            for action in plan.actions { apply(action, to: &slices) }
            let targets = slices.flatMap { $0.endpoints }.compactMap { $0.targetRef?.uid }
            #expect(Set(targets) == Set(pods.map { $0.metadata.uid }), "seed \(seed)")
            #expect(targets.count == pods.count, "seed \(seed): a pod is named twice")
            #expect(slices.allSatisfy { $0.endpoints.count <= 100 })
            #expect(!slices.isEmpty)
            let again = EndpointSlicePlan(for: Self.service, pods: pods, slices: slices, zones: [:])
            #expect(again.actions == [], "seed \(seed): a second look changes something")
        }
    }

    private func apply(_ action: EndpointSlicePlan.Action, to slices: inout [EndpointSlice]) {
        switch action {
        case .create(let slice):
            #expect(!slices.contains { $0.metadata.name == slice.metadata.name })
            slices.append(slice)
        case .update(let slice):
            slices = slices.map { $0.metadata.name == slice.metadata.name ? slice : $0 }
        case .delete(let slice): slices.removeAll { $0.metadata.name == slice.metadata.name }
        }
    }

    @Test func anEndingPodServesButIsNotReady() throws {
        let plan = EndpointSlicePlan(for: Self.service, pods: [Self.pod(1, isEnding: true)], slices: [], zones: [:])
        guard case .create(let slice)? = plan.actions.first else {
            Issue.record("no slice is made")
            return
        }
        let conditions = try #require(slice.endpoints.first?.conditions)
        #expect(conditions.ready == false)
        #expect(conditions.serving == true)
        #expect(conditions.terminating == true)
        #expect(slice.ports.first?.port == 8_080)
    }

    @Test func endpointsTellReadyFromNot() {
        let pods = [Self.pod(1), Self.pod(2, isReady: false), Self.pod(3, isEnding: true)]
        guard case .create(let endpoints)? = EndpointsPlan(for: Self.service, pods: pods, current: nil).action else {
            Issue.record("no Endpoints are made")
            return
        }
        #expect(endpoints.subsets.flatMap { $0.addresses }.map { $0.ip } == ["10.0.0.1"])
        #expect(endpoints.subsets.flatMap { $0.notReadyAddresses }.map { $0.ip } == ["10.0.0.2"])
        #expect(EndpointsPlan(for: Self.service, pods: pods, current: endpoints).action == nil)
    }
}
