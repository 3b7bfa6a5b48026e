import APIMachinery
import JSONTree
import KubernetesAPI
import Testing

@Suite struct PodValidationTests {
    private let definition = Kinds.all.first { $0.kind == Pod.kind }

    private func faults(_ change: (inout Pod) -> Void, after old: Pod? = nil) throws -> [String] {
        var pod = old ?? Self.pod
        change(&pod)
        return try #require(definition).validate(pod.storage, old?.storage).map { "\($0)" }
    }

    private static let pod = Pod(name: "web", namespace: "default") { pod in
        pod.spec.containers = [
            Container {
                $0.name = "app"
                $0.image = "nginx:1"
            }
        ]
    }

    @Test func acceptsAPlainPod() throws {
        #expect(try faults { _ in } == [])
    }

    @Test func aMountNeedsItsVolume() throws {
        let faults = try faults { pod in
            pod.spec.containers[0].volumeMounts = [
                VolumeMount {
                    $0.name = "data"
                    $0.mountPath = "/data"
                }
            ]
        }
        #expect(faults == ["spec.containers[0].volumeMounts[0].name: Not found: \"data\""])
    }

    @Test func requestsStayWithinLimits() throws {
        let faults = try faults { pod in
            pod.spec.containers[0].resources = ResourceRequirements {
                $0.requests = ["cpu": Quantity(2)]
                $0.limits = ["cpu": Quantity(1)]
            }
        }
        #expect(
            faults == [
                "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1"
            ])
    }

    @Test func thePodAsAWholeHasRoomForItsContainers() throws {
        let faults = try faults { pod in
            pod.spec.containers[0].resources = ResourceRequirements {
                $0.requests = ["cpu": Quantity(2)]
                $0.limits = ["cpu": Quantity(3)]
            }
            pod.spec.resources = ResourceRequirements {
                $0.requests = ["cpu": Quantity(1)]
                $0.limits = ["cpu": Quantity(2)]
            }
        }
        #expect(
            faults == [
                "spec.resources.requests[cpu]: Invalid value: \"1\": must be greater than or equal to aggregate container requests of 2",
                "spec.containers[0].resources.limits[cpu]: Invalid value: \"3\": must be less than or equal to pod limits of 2",
            ])
        let unknown = try self.faults {
            $0.spec.resources = ResourceRequirements { $0.limits = ["ephemeral-storage": Quantity(1)] }
        }
        #expect(
            unknown.count == 1 && unknown[0].hasPrefix("spec.resources.limits[ephemeral-storage]: Unsupported value"))
    }

    @Test func anImageVolumeNamesItsImage() throws {
        let faults = try faults { pod in
            pod.spec.volumes = [
                Volume {
                    $0.name = "model"
                    $0.image = ImageVolumeSource()
                }
            ]
        }
        #expect(faults == ["spec.volumes[0].image.reference: Required value"])
    }

    @Test func aProbeNeedsAHandler() throws {
        let faults = try faults { $0.spec.containers[0].livenessProbe = Probe() }
        #expect(faults == ["spec.containers[0].livenessProbe: Required value: must specify a handler type"])
    }

    @Test func onlyTheImageMayChange() throws {
        #expect(try faults({ $0.spec.containers[0].image = "nginx:2" }, after: Self.pod) == [])
        let faults = try faults({ $0.spec.containers[0].command = ["sh"] }, after: Self.pod)
        #expect(faults.count == 1)
        #expect(faults.first?.hasPrefix("spec: Forbidden: pod updates may not change fields other than") == true)
    }

    @Test func tolerationsCanOnlyBeAdded() throws {
        var old = Self.pod
        old.spec.tolerations = [Toleration { $0.operator = "Exists" }]
        let more = Toleration {
            $0.key = "a"
            $0.operator = "Exists"
        }
        #expect(try faults({ $0.spec.tolerations += [more] }, after: old) == [])
        #expect(try faults({ $0.spec.tolerations = [more] }, after: old).count == 1)
    }
}

@Suite struct DefaultsTests {
    @Test(arguments: [
        ("nginx", "Always"), ("nginx:latest", "Always"), ("nginx:1.27", "IfNotPresent"),
        ("registry.example:5000/web", "Always"), ("web@sha256:abc", "IfNotPresent"),
    ])
    func pullPolicyFollowsTheTag(pair: (String, String)) {
        #expect(ImagePullPolicy.default(for: pair.0) == pair.1)
    }

    @Test func requestsFollowLimits() throws {
        var storage = Pod(name: "a") { pod in
            pod.spec.containers = [
                Container {
                    $0.name = "app"
                    $0.image = "a"
                    $0.resources = ResourceRequirements { $0.limits = ["cpu": Quantity(1)] }
                }
            ]
            pod.spec.volumes = [Volume { $0.name = "scratch" }]
        }.storage
        let definition = try #require(Kinds.all.first { $0.kind == Pod.kind })
        definition.prepare(&storage, nil)
        definition.complete(&storage)
        let pod = Pod(storage: storage)
        #expect(pod.spec.containers[0].resources?.requests == ["cpu": Quantity(1)])
        #expect(pod.spec.volumes[0].emptyDir != nil)
        #expect(pod.status.phase == "Pending")
        #expect(pod.status.qosClass == "Burstable")
        var again = storage
        definition.complete(&again)
        #expect(again == storage)
    }

    /// Clients written in Go always send these fields: an object that came without them must be equal to the same one sent back by such a client,
    /// or going back to an old revision would look like a new one.
    @Test func whatGoClientsAlwaysWriteIsThere() {
        #expect(Container.schema.object?["resources"]?.defaultValue == [:])
        #expect(PersistentVolumeClaimSpec.schema.object?["resources"]?.defaultValue == [:])
        #expect(ResourceFieldSelector.schema.object?["divisor"]?.defaultValue == "0")
        #expect(PodSpec.schema.object?["securityContext"]?.defaultValue == [:])
    }

    @Test func initContainersCountWhileTheyRun() {
        let spec = PodSpec { spec in
            spec.containers = [Self.container(cpu: 1), Self.container(cpu: 1)]
            spec.initContainers = [
                Self.container(cpu: 1) { $0.restartPolicy = "Always" }, Self.container(cpu: 5),
            ]
        }
        #expect(spec.totalRequests["cpu"] == Quantity(6))
    }

    private static func container(cpu: Int64, _ change: (inout Container) -> Void = { _ in }) -> Container {
        var container = Container {
            $0.resources = ResourceRequirements { $0.requests = ["cpu": Quantity(cpu)] }
        }
        change(&container)
        return container
    }
}
