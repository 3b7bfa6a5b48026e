import APIMachinery
import Client
import Controllers
import JSONTree
import KubernetesAPI
import Testing

/// The controllers and the scheduler against a real API server in this process.
@Suite struct ClusterTests {
    private static func deployment(_ replicas: Int32, image: String = "web:1", in namespace: String = "default")
        -> Deployment
    {
        Deployment(name: "web", namespace: namespace) { deployment in
            deployment.spec.replicas = replicas
            deployment.spec.selector = LabelSelector { $0.matchLabels = ["app": "web"] }
            deployment.spec.template.metadata.labels = ["app": "web"]
            deployment.spec.template.spec.containers = [
                Container { container in
                    container.name = "app"
                    container.image = image
                    container.ports = [
                        ContainerPort {
                            $0.name = "http"
                            $0.containerPort = 8_080
                        }
                    ]
                }
            ]
        }
    }

    @Test func aDeploymentRollsOutServesAndGoes() async throws {
        try await TestCluster.run { cluster in
            try await cluster.addNode("a")
            try await cluster.addNode("b")
            _ = try await cluster.client.create(
                Service(name: "web", namespace: "default") { service in
                    service.spec.selector = ["app": "web"]
                    service.spec.ports = [
                        ServicePort {
                            $0.port = 80
                            $0.targetPort = "http"
                        }
                    ]
                })
            _ = try await cluster.client.create(Self.deployment(3))
            try await cluster.until(cluster.informers.deployments) { $0.first?.status.availableReplicas == 3 }
            try await cluster.until(cluster.informers.endpointSlices) { slices in
                slices.contains { $0.metadata.name.hasPrefix("web-") && $0.endpoints.count == 3 }
            }
            try await cluster.until(cluster.informers.endpoints) { all in
                all.contains { $0.metadata.name == "web" && $0.subsets.first?.addresses.count == 3 }
            }

            _ = try await cluster.client.modify(Deployment.self, "web", in: "default") { deployment in
                deployment.spec.template.spec.containers[0].image = "web:2"
                deployment.spec.replicas = 5
            }
            try await cluster.until(cluster.informers.deployments) { deployments in
                guard let deployment = deployments.first else { return false }
                return deployment.status.updatedReplicas == 5 && deployment.status.availableReplicas == 5
                    && deployment.status.replicas == 5
                    && deployment.metadata.annotations["deployment.kubernetes.io/revision"] == "2"
            }
            let live = cluster.informers.pods.list().filter { $0.metadata.deletionTimestamp == nil }
            #expect(live.allSatisfy { $0.spec.containers.first?.image == "web:2" })
            #expect(Set(live.compactMap { $0.spec.nodeName }) == ["a", "b"])

            try await cluster.client.delete(Deployment.self, "web", in: "default")
            try await cluster.until(cluster.informers.pods) { $0.isEmpty }
            try await cluster.until(cluster.informers.replicaSets) { $0.isEmpty }
        }
    }

    @Test func endpointsOfOthersAreMirroredWhileTheirServiceSelectsNothing() async throws {
        try await TestCluster.run { cluster in
            let manager = "endpointslicemirroring-controller.k8s.io"
            let mirrors: @Sendable ([EndpointSlice]) -> [EndpointSlice] = { slices in
                slices.filter { $0.metadata.labels["endpointslice.kubernetes.io/managed-by"] == manager }
            }
            var service = Service(name: "db", namespace: "default")
            service.spec.ports = [ServicePort { $0.port = 5432 }]
            _ = try await cluster.client.create(service)
            _ = try await cluster.client.create(
                Endpoints(name: "db", namespace: "default") { endpoints in
                    endpoints.subsets = [
                        EndpointSubset { subset in
                            subset.addresses = [EndpointAddress { $0.ip = "192.0.2.1" }]
                            subset.ports = [EndpointSubsetPort { $0.port = 5432 }]
                        }
                    ]
                })
            try await cluster.until(cluster.informers.endpointSlices) { slices in
                mirrors(slices).map { $0.endpoints.first?.addresses.first } == ["192.0.2.1"]
            }
            let made = mirrors(cluster.informers.endpointSlices.list()).first
            let endpoints = cluster.informers.endpoints.get("db", in: "default")
            #expect(MirroringPlan(of: endpoints, for: service, slices: made.map { [$0] } ?? []).actions == [])
            _ = try await cluster.client.modify(Endpoints.self, "db", in: "default") {
                $0.subsets[0].addresses[0].ip = "192.0.2.2"
            }
            try await cluster.until(cluster.informers.endpointSlices) { slices in
                mirrors(slices).map { $0.endpoints.first?.addresses.first } == ["192.0.2.2"]
            }
            try await cluster.client.delete(Endpoints.self, "db", in: "default")
            try await cluster.until(cluster.informers.endpointSlices) { mirrors($0).isEmpty }
        }
    }

    @Test func hundredsOfPodsLeaveRoomForOtherRequests() async throws {
        let traffic = Traffic()
        try await TestCluster.run(handler: traffic.counted) { cluster in
            _ = try await cluster.client.create(Self.deployment(300))
            try await cluster.until(cluster.informers.replicaSets) { $0.first?.status.replicas == 300 }
            _ = try await cluster.client.modify(Deployment.self, "web", in: "default") { $0.spec.replicas = 0 }
            try await cluster.until(cluster.informers.pods) { $0.isEmpty }
        }
        #expect((16...64).contains(traffic.mostWrites), "\(traffic.mostWrites)")
    }

    @Test func aForegroundDeletionWaits() async throws {
        try await TestCluster.run { cluster in
            try await cluster.addNode("a")
            _ = try await cluster.client.create(Self.deployment(2))
            try await cluster.until(cluster.informers.deployments) { $0.first?.status.availableReplicas == 2 }
            try await cluster.client.delete(
                Deployment.self, "web", in: "default", options: DeleteOptions { $0.propagationPolicy = "Foreground" })
            try await cluster.until(cluster.informers.deployments) { $0.isEmpty }
            try await cluster.until(cluster.informers.replicaSets) { $0.isEmpty }
        }
    }

    @Test func orphansStay() async throws {
        try await TestCluster.run { cluster in
            try await cluster.addNode("a")
            _ = try await cluster.client.create(Self.deployment(2))
            try await cluster.until(cluster.informers.deployments) { $0.first?.status.availableReplicas == 2 }
            try await cluster.client.delete(
                Deployment.self, "web", in: "default", options: DeleteOptions { $0.propagationPolicy = "Orphan" })
            try await cluster.until(cluster.informers.deployments) { $0.isEmpty }
            #expect(cluster.informers.replicaSets.list().allSatisfy { $0.metadata.ownerReferences.isEmpty })
            // A new Deployment takes the orphans over.
            _ = try await cluster.client.create(Self.deployment(2))
            try await cluster.until(cluster.informers.deployments) { $0.first?.status.availableReplicas == 2 }
            #expect(cluster.informers.replicaSets.count == 1)
        }
    }

    @Test func aNamespaceGoesWithAllThatIsInIt() async throws {
        try await TestCluster.run { cluster in
            try await cluster.addNode("a")
            _ = try await cluster.client.create(Namespace(name: "team"))
            _ = try await cluster.client.create(
                ConfigMap(name: "settings", namespace: "team") { $0.data = ["key": "value"] })
            _ = try await cluster.client.create(Self.deployment(2, in: "team"))
            try await cluster.until(cluster.informers.deployments) { $0.first?.status.availableReplicas == 2 }
            try await cluster.until(cluster.informers.configMaps) { maps in
                maps.contains { $0.metadata.namespace == "team" && $0.metadata.name == "kube-root-ca.crt" }
            }
            try await cluster.client.delete(Namespace.self, "team")
            try await cluster.until(cluster.informers.namespaces) { !$0.contains { $0.metadata.name == "team" } }
            try await cluster.until(cluster.informers.pods) { $0.isEmpty }
        }
    }

    @Test func aPendingPodSaysWhy() async throws {
        try await TestCluster.run { cluster in
            try await cluster.addNode("a", cpu: 1)
            _ = try await cluster.client.create(
                Pod(name: "big", namespace: "default") { pod in
                    pod.spec.containers = [
                        Container { container in
                            container.name = "app"
                            container.image = "web"
                            container.resources = ResourceRequirements { $0.requests = ["cpu": 3] }
                        }
                    ]
                })
            try await cluster.until(cluster.informers.pods) { pods in
                pods.first?.status.conditions.contains {
                    $0.type == "PodScheduled" && $0.reason == "Unschedulable"
                        && $0.message == "0/1 nodes are available: 1 Insufficient cpu."
                } ?? false
            }
            try await cluster.addNode("b", cpu: 4)
            try await cluster.until(cluster.informers.pods) { $0.first?.status.phase == "Running" }
        }
    }

    @Test func podsLeaveANodeThatFallsSilent() async throws {
        try await TestCluster.run(nodeGrace: .milliseconds(300)) { cluster in
            try await cluster.addNode("silent")
            var deployment = Self.deployment(1)
            deployment.spec.template.spec.tolerations = [
                Toleration {
                    $0.key = "node.kubernetes.io/unreachable"
                    $0.operator = "Exists"
                    $0.effect = "NoExecute"
                    $0.tolerationSeconds = 0
                }
            ]
            _ = try await cluster.client.create(deployment)
            try await cluster.until(cluster.informers.nodes) { nodes in
                let taints = nodes.first?.spec.taints.map { "\($0.key):\($0.effect)" } ?? []
                return nodes.first?.status.conditions.first { $0.type == "Ready" }?.status == "Unknown"
                    && taints.contains("node.kubernetes.io/unreachable:NoExecute")
            }
            // The one that ran there goes, and its successor finds no node.
            try await cluster.until(cluster.informers.pods) { pods in
                pods.count == 1
                    && pods[0].status.conditions.contains {
                        $0.reason == "Unschedulable"
                            && $0.message?.contains("untolerated taint {node.kubernetes.io/unreachable: }") == true
                    }
            }
        }
    }
}
