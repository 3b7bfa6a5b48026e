import APIMachinery
import Client
import JSONTree
import KubernetesAPI

/// Makes, changes and deletes objects, and keeps what it was told.
struct User: Sendable {
    let client: APIClient
    let world: World
    let wishes: Wishes

    private func tell(
        _ key: String, _ what: String, _ body: () async throws(Status) -> Void,
        _ change: @Sendable (inout Wishes.Wish) -> Void
    ) async {
        var outcome = Wishes.Outcome.done
        var answer = "done"
        do throws(Status) {
            try await body()
        } catch {
            outcome = (400..<500).contains(error.code) ? .refused : .unknown
            answer = "\(error.code) \(error.message)"
        }
        world.note("user-\(what)", "\(key): \(answer)")
        wishes.note(key, outcome, change)
    }

    func createDeployment(_ name: String, _ replicas: Int32, _ image: String, maxSurge: Int32, grace: Int64) async {
        let deployment = Deployment(name: name, namespace: "default") { deployment in
            deployment.spec.replicas = replicas
            deployment.spec.selector = LabelSelector { $0.matchLabels = ["app": name] }
            deployment.spec.strategy.rollingUpdate = RollingUpdateDeployment {
                $0.maxSurge = .integer(maxSurge)
                $0.maxUnavailable = .integer(maxSurge == 0 ? 1 : 0)
            }
            deployment.spec.template.metadata.labels = ["app": name]
            deployment.spec.template.spec = Self.podSpec(image, restartPolicy: "Always", grace: grace)
        }
        await tell("deployments/\(name)", "create-deployment") { () async throws(Status) in
            _ = try await client.create(deployment)
        } _: {
            $0 = .init(exists: [true], replicas: [replicas], images: [image])
        }
    }

    static func podSpec(_ image: String, restartPolicy: String, grace: Int64) -> PodSpec {
        PodSpec { spec in
            spec.automountServiceAccountToken = false
            spec.restartPolicy = restartPolicy
            spec.terminationGracePeriodSeconds = grace
            spec.tolerations = ["not-ready", "unreachable"].map { key in
                Toleration {
                    $0.key = "node.kubernetes.io/\(key)"
                    $0.operator = "Exists"
                    $0.effect = "NoExecute"
                    $0.tolerationSeconds = 20
                }
            }
            spec.containers = [
                Container {
                    $0.name = "app"
                    $0.image = image
                }
            ]
        }
    }

    func scale(_ name: String, to replicas: Int32) async {
        await tell("deployments/\(name)", "scale") { () async throws(Status) in
            let _: Deployment = try await client.patch(
                Deployment.self, name, in: "default", .merge, ["spec": ["replicas": .integer(Int64(replicas))]])
        } _: {
            $0.replicas = [replicas]
        }
    }

    func roll(_ name: String, to image: String) async {
        let containers: JSONValue = [["name": "app", "image": .string(image)]]
        await tell("deployments/\(name)", "rollout") { () async throws(Status) in
            let _: Deployment = try await client.patch(
                Deployment.self, name, in: "default", .strategicMerge,
                ["spec": ["template": ["spec": ["containers": containers]]]])
        } _: {
            $0.images = [image]
        }
    }

    func deleteDeployment(_ name: String, _ propagation: String) async {
        await tell("deployments/\(name)", "delete-deployment-\(propagation)") { () async throws(Status) in
            try await client.delete(
                Deployment.self, name, in: "default", options: DeleteOptions { $0.propagationPolicy = propagation })
        } _: {
            $0.exists = [false]
        }
    }

    func createPod(_ name: String, _ image: String, restartPolicy: String, grace: Int64) async {
        let pod = Pod(name: name, namespace: "default") {
            $0.metadata.labels = ["bare": name]
            $0.spec = Self.podSpec(image, restartPolicy: restartPolicy, grace: grace)
        }
        await tell("pods/\(name)", "create-pod") { () async throws(Status) in
            _ = try await client.create(pod)
        } _: {
            $0.exists = [true]
        }
    }

    func deletePod(_ name: String, grace: Int64?) async {
        await tell("pods/\(name)", "delete-pod") { () async throws(Status) in
            try await client.delete(
                Pod.self, name, in: "default", options: DeleteOptions { $0.gracePeriodSeconds = grace })
        } _: {
            $0.exists = [false]
        }
    }

    func createService(_ name: String) async {
        let service = Service(name: name, namespace: "default") { service in
            service.spec.selector = ["app": name]
            service.spec.ports = [ServicePort { $0.port = 80 }]
        }
        await tell("services/\(name)", "create-service") { () async throws(Status) in
            _ = try await client.create(service)
        } _: {
            $0.exists = [true]
        }
    }

    func deleteService(_ name: String) async {
        await tell("services/\(name)", "delete-service") { () async throws(Status) in
            try await client.delete(Service.self, name, in: "default")
        } _: {
            $0.exists = [false]
        }
    }
}
