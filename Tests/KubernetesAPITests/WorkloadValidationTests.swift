import APIMachinery
import JSONTree
import KubernetesAPI
import Testing

@Suite struct WorkloadValidationTests {
    private static func deployment(labels: [String: String]) -> JSONObject {
        Deployment(name: "web", namespace: "default") { deployment in
            deployment.spec.selector = LabelSelector { $0.matchLabels = ["app": "web"] }
            deployment.spec.template.metadata.labels = labels
            deployment.spec.template.spec.containers = [
                Container {
                    $0.name = "app"
                    $0.image = "nginx"
                }
            ]
        }.storage
    }

    @Test func theSelectorMatchesTheTemplate() throws {
        let definition = try #require(Kinds.all.first { $0.kind == Deployment.kind })
        var good = Self.deployment(labels: ["app": "web"])
        definition.complete(&good)
        #expect(definition.validate(good, nil) == [])
        #expect(good["spec"]?["strategy"]?["rollingUpdate"]?["maxSurge"] == "25%")
        var bad = Self.deployment(labels: ["app": "other"])
        definition.complete(&bad)
        #expect(definition.validate(bad, nil).map(\.path) == ["spec.template.metadata.labels"])
    }

    @Test func aServiceKeepsItsAddress() throws {
        let definition = try #require(Kinds.all.first { $0.kind == Service.kind })
        let old = Service(name: "web", namespace: "default") { service in
            service.spec.clusterIP = "10.96.0.7"
            service.spec.clusterIPs = ["10.96.0.7"]
            service.spec.ports = [ServicePort { $0.port = 80 }]
        }
        var new = Service(name: "web", namespace: "default") { service in
            service.spec.ports = [ServicePort { $0.port = 80 }]
        }.storage
        definition.prepare(&new, old.storage)
        definition.complete(&new)
        #expect(new["spec"]?["clusterIP"] == "10.96.0.7")
        #expect(new["spec"]?["ports"]?.array?.first?["targetPort"] == 80)
        #expect(definition.validate(new, old.storage) == [])
        var moved = Service(storage: new)
        moved.spec.clusterIP = "10.96.0.8"
        moved.spec.clusterIPs = ["10.96.0.8"]
        #expect(definition.validate(moved.storage, old.storage).map(\.path) == ["spec.clusterIPs[0]"])
    }
}

@Suite struct ColumnTests {
    @Test(arguments: [
        (5, "5s"), (119, "119s"), (125, "2m5s"), (600, "10m"), (10_800, "3h"), (11_100, "3h5m"), (90_000, "25h"),
        (259_200, "3d"), (262_800, "3d1h"), (864_000, "10d"), (-1, "0s"), (-5, "<invalid>"),
    ])
    func agesReadWell(pair: (Int64, String)) {
        #expect(AgeText.text(.seconds(pair.0)) == pair.1)
    }

    @Test func everyKindHasAsManyCellsAsColumns() {
        for definition in Kinds.all {
            let cells = definition.table.cells(JSONObject(), .epoch)
            #expect(cells.count == definition.table.columns.count, "\(definition.kind.kind)")
        }
    }

    @Test func aCrashingPodSaysSo() {
        let pod = Pod(name: "web") { pod in
            pod.spec.containers = [Container { $0.name = "app" }]
            pod.status.phase = "Running"
            pod.status.containerStatuses = [
                ContainerStatus { status in
                    status.name = "app"
                    status.restartCount = 3
                    status.state = ContainerState { state in
                        state.waiting = ContainerStateWaiting { $0.reason = "CrashLoopBackOff" }
                    }
                    status.lastState = ContainerState { state in
                        state.terminated = ContainerStateTerminated { $0.finishedAt = Timestamp(seconds: 100) }
                    }
                }
            ]
        }
        let digest = PodDigest(pod)
        #expect(digest.reason == "CrashLoopBackOff")
        #expect(digest.restartText(Timestamp(seconds: 160)) == "3 (60s ago)")
        #expect("\(digest.ready)/\(digest.total)" == "0/1")
    }
}
