import CRI
import KubernetesAPI
import Testing

@testable import Kubelet

@Suite struct ServiceLinkTests {
    private func service(_ name: String, _ address: String?, _ ports: [(String?, Int32, String)]) -> Service {
        Service(name: name, namespace: "default") {
            $0.spec.clusterIP = address
            $0.spec.ports = ports.map { port in
                ServicePort {
                    $0.name = port.0
                    $0.port = port.1
                    $0.protocol = port.2
                }
            }
        }
    }

    /// The example of upstream's documentation, and a second port.
    @Test func theNamesAreUpstreams() {
        let variables = ServiceLinks.variables(
            of: service("redis-primary", "10.0.0.11", [("db", 6379, "TCP"), (nil, 53, "UDP")]))
        #expect(
            variables.map { "\($0.name)=\($0.value)" } == [
                "REDIS_PRIMARY_SERVICE_HOST=10.0.0.11", "REDIS_PRIMARY_SERVICE_PORT=6379",
                "REDIS_PRIMARY_PORT=tcp://10.0.0.11:6379", "REDIS_PRIMARY_SERVICE_PORT_DB=6379",
                "REDIS_PRIMARY_PORT_6379_TCP=tcp://10.0.0.11:6379", "REDIS_PRIMARY_PORT_6379_TCP_PROTO=tcp",
                "REDIS_PRIMARY_PORT_6379_TCP_PORT=6379", "REDIS_PRIMARY_PORT_6379_TCP_ADDR=10.0.0.11",
                "REDIS_PRIMARY_PORT_53_UDP=udp://10.0.0.11:53", "REDIS_PRIMARY_PORT_53_UDP_PROTO=udp",
                "REDIS_PRIMARY_PORT_53_UDP_PORT=53", "REDIS_PRIMARY_PORT_53_UDP_ADDR=10.0.0.11",
            ])
    }

    @Test(arguments: ["None", "", nil])
    func aServiceWithoutAnAddressHasNone(_ address: String?) {
        #expect(ServiceLinks.variables(of: service("a", address, [(nil, 80, "TCP")])).isEmpty)
    }

    @Test func onlyAPodThatWantsThemWaitsForThem() throws {
        let known = ServiceLinks { namespace in
            namespace == "default" ? [service("a", "10.0.0.1", [(nil, 80, "TCP")])] : []
        }
        let unknown = ServiceLinks { _ in nil }
        var pod = Pod(name: "p", namespace: "default")
        #expect(try known.variables(for: pod).contains { $0.name == "A_SERVICE_HOST" })
        #expect(throws: ContainerConfigError.self) { try unknown.variables(for: pod) }
        pod.spec.enableServiceLinks = false
        #expect(try known.variables(for: pod).isEmpty && unknown.variables(for: pod).isEmpty)
        pod.spec.enableServiceLinks = true
        pod.metadata.annotations[StaticPodAnnotation.source] = "file"
        #expect(try unknown.variables(for: pod).isEmpty)
        pod.metadata.namespace = "other"
        #expect(try known.variables(for: pod).isEmpty)
    }

    @Test func whatThePodSaysItselfWins() throws {
        let pod = Pod(name: "p", namespace: "default") {
            $0.spec.containers = [
                Container {
                    $0.name = "main"
                    $0.env = [
                        EnvVar {
                            $0.name = "A_PORT"
                            $0.value = "mine, not $(A_SERVICE_HOST)"
                        }
                    ]
                }
            ]
        }
        let environment = ContainerEnvironment(
            pod: pod, container: pod.spec.containers[0], node: NodeIdentity(name: "n", addresses: []),
            data: ReferencedData(), podAddresses: [],
            services: ServiceLinks.variables(of: service("a", "10.0.0.1", [(nil, 80, "TCP")])), allocatable: [:])
        let values = try environment.program().values
        #expect(values["A_PORT"] == "mine, not 10.0.0.1" && values["A_PORT_80_TCP_PORT"] == "80")
    }
}
