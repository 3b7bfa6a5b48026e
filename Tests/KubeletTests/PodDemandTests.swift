import APIMachinery
import KubernetesAPI
import Testing

@testable import Kubelet

/// What a pod asks for is given to it, or refused by name.
@Suite struct PodDemandTests {
    @Test func anOrdinaryPodAsksForNothingSpecial() {
        let ordinary = pod {
            $0.spec.hostUsers = true
            $0.spec.os = PodOS { $0.name = "linux" }
            $0.spec.resources = ResourceRequirements { $0.limits = ["cpu": Quantity(1)] }
            $0.spec.securityContext = PodSecurityContext {
                $0.appArmorProfile = AppArmorProfile { $0.type = "Unconfined" }
            }
        }
        #expect(ordinary.unmetDemand == nil)
    }

    @Test func whatNoNodeCanGiveIsNamed() {
        expect("RuntimeClass \"gvisor\"") { $0.spec.runtimeClassName = "gvisor" }
        expect("resourceClaims") { $0.spec.resourceClaims = [PodResourceClaim { $0.name = "gpu" }] }
    }

    private func expect(_ name: String, _ change: (inout Pod) -> Void) {
        let demand = pod(["a"], change).unmetDemand
        #expect(demand?.contains(name) == true, "\(name): \(demand ?? "nothing")")
    }

    @Test func filesForOneUserAreThatOfAllContainers() {
        func user(pod own: Int64?, _ users: Int64?...) -> UInt32? {
            pod {
                $0.spec.securityContext = PodSecurityContext { $0.runAsUser = own }
                $0.spec.containers = users.map { user in
                    Container { $0.securityContext = SecurityContext { $0.runAsUser = user } }
                }
            }.spec.soleUser
        }
        #expect(user(pod: 5, nil, 5) == 5 && user(pod: nil, 7, 7) == 7)
        #expect(user(pod: 5, nil, 7) == nil && user(pod: nil, 7, nil) == nil && user(pod: nil, nil) == nil)
    }

    @Test func aResourceWithoutADivisorIsInItsOwnUnit() {
        let container = Container {
            $0.resources = ResourceRequirements {
                $0.limits = ["memory": Quantity("64Mi") ?? .zero, "cpu": Quantity("1500m") ?? .zero]
            }
        }
        #expect(container.resourceValue("limits.memory", divisor: nil) == "67108864")
        // The API completes a selector with the divisor 0.
        #expect(container.resourceValue("limits.memory", divisor: .zero) == "67108864")
        #expect(container.resourceValue("limits.memory", divisor: Quantity("1Mi")) == "64")
        #expect(container.resourceValue("limits.cpu", divisor: .zero) == "2")
        #expect(container.resourceValue("limits.cpu", divisor: Quantity("1m")) == "1500")
    }
}
