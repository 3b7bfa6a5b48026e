import APIMachinery
import Client
import KubernetesAPI
import Testing

@testable import Controllers

@Suite struct DeploymentPlanTests {
    private static let cases: [(Int32, IntOrString, IntOrString)] = [
        (3, "25%", "25%"), (10, "25%", "25%"), (10, 1, 0), (10, 0, 1), (5, 0, 0), (7, "50%", "50%"), (1, "25%", "25%"),
        (4, "100%", 0), (20, 3, 2),
    ]

    @Test(arguments: UInt64(1)...9)
    func aRollingUpdateKeepsItsBounds(seed: UInt64) {
        let (replicas, surge, unavailable) = Self.cases[Int(seed) % Self.cases.count]
        var world = DeploymentSimulation(seed: seed, replicas: replicas, surge: surge, unavailable: unavailable)
        settle(&world)
        #expect(world.isComplete, "seed \(seed)")
        for image in ["b", "c", "d"] {
            world.setImage(image)
            let bounds = RolloutBounds(world.deployment.spec)
            for _ in 0..<400 where !world.isComplete {
                _ = world.look()
                #expect(world.wanted <= bounds.most, "seed \(seed): too many pods")
                world.elapse()
                #expect(world.available >= bounds.fewest, "seed \(seed): too few pods")
                // A new template in the middle of a roll-out changes nothing of the bounds.
                if image == "c", world.deployment.status.updatedReplicas == 1 { break }
            }
        }
        settle(&world)
        #expect(world.isComplete, "seed \(seed)")
        #expect(world.sets.filter { $0.spec.replicas > 0 }.count == 1)
        let progressing = world.deployment.status.conditions.first { $0.type == "Progressing" }
        #expect(progressing?.reason == "NewReplicaSetAvailable")
        let didAnything = world.look()
        #expect(!didAnything, "seed \(seed)")
    }

    private func settle(_ world: inout DeploymentSimulation) {
        for _ in 0..<400 where !world.isComplete {
            _ = world.look()
            world.elapse()
        }
        while world.look() {}
    }

    @Test func goingBackReusesTheOldSet() {
        var world = DeploymentSimulation(seed: 1, replicas: 3, surge: 1, unavailable: 0)
        settle(&world)
        world.setImage("b")
        settle(&world)
        #expect(world.deployment.metadata.annotations[RevisionAnnotations.revision] == "2")
        world.setImage("a")
        settle(&world)
        #expect(world.sets.count == 2)
        #expect(world.deployment.metadata.annotations[RevisionAnnotations.revision] == "3")
        let current = world.sets.first { $0.spec.replicas == 3 }
        #expect(current?.metadata.annotations[RevisionAnnotations.revision] == "3")
        #expect(current?.metadata.annotations[RevisionAnnotations.history] == "1")
    }

    /// Annotations and statuses are anyone's to write: no number in them may end the process.
    @Test func extremeNumbersDoNotTrap() {
        var world = DeploymentSimulation(seed: 1, replicas: 2, surge: 1, unavailable: 0)
        settle(&world)
        for index in world.sets.indices {
            world.sets[index].metadata.annotations[RevisionAnnotations.revision] = String(Int64.max)
        }
        world.setImage("b")
        settle(&world)
        #expect(world.isComplete)
        var deployment = world.deployment
        deployment.spec.template.metadata.labels["new"] = "label"
        for (replicas, updated) in [(Int32.min, Int32.max), (Int32.max, Int32.min)] {
            deployment.status.replicas = replicas
            deployment.status.updatedReplicas = updated
            let sets = world.sets.map { set in
                var set = set
                set.status.replicas = updated
                return set
            }
            #expect(!DeploymentPlan(for: deployment, sets: sets, pods: [], now: .epoch).actions.isEmpty)
        }
    }

    @Test func historyIsLimited() {
        var world = DeploymentSimulation(seed: 3, replicas: 2, surge: 1, unavailable: 1)
        world.deployment.spec.revisionHistoryLimit = 2
        for image in ["a", "b", "c", "d", "e"] {
            world.setImage(image)
            settle(&world)
        }
        #expect(world.sets.count == 3)
    }

    @Test func recreateStopsBeforeItStarts() {
        var world = DeploymentSimulation(seed: 5, replicas: 3, surge: 0, unavailable: 0, strategy: "Recreate")
        settle(&world)
        world.setImage("b")
        for _ in 0..<50 where !world.isComplete {
            _ = world.look()
            #expect(world.sets.filter { $0.spec.replicas > 0 }.count <= 1)
            world.elapse()
        }
        #expect(world.isComplete)
    }

    /// An older release stored empty lists and maps, in the set or in the Deployment.
    @Test(arguments: ["Recreate", "RollingUpdate"], [false, true])
    func emptyFieldsOfATemplateAreNoChange(strategy: String, isDeploymentOlder: Bool) {
        var world = DeploymentSimulation(seed: 5, replicas: 3, surge: 1, unavailable: 0, strategy: strategy)
        settle(&world)
        let hash = PodTemplateHash.text(world.deployment.spec.template, collisions: nil)
        var template = isDeploymentOlder ? world.deployment.spec.template : world.sets[0].spec.template
        template.spec.storage["nodeSelector"] = [:]
        template.metadata.storage["annotations"] = [:]
        #expect(PodTemplateHash.text(template, collisions: nil) == hash)
        if isDeploymentOlder {
            world.deployment.spec.template = template
        } else {
            world.sets[0].spec.template = template
        }
        world.deployment.metadata.labels = ["k": "v"]
        world.deployment.spec.replicas = 5
        world.deployment.metadata.generation += 1
        for _ in 0..<50 where !world.isComplete {
            _ = world.look()
            #expect(world.wanted >= 3)
            world.elapse()
        }
        #expect(world.isComplete && world.sets.count == 1 && world.wanted == 5)
    }

    @Test func aPausedRolloutScalesInProportion() {
        var world = DeploymentSimulation(seed: 7, replicas: 10, surge: 3, unavailable: 2)
        settle(&world)
        world.setImage("b")
        _ = world.look()
        #expect(world.sets.map { $0.spec.replicas } == [10, 3])
        _ = world.look()
        #expect(world.sets.map { $0.spec.replicas } == [8, 3])
        world.deployment.spec.paused = true
        world.deployment.spec.replicas = 20
        _ = world.look()
        #expect(world.wanted == 23)
        #expect(world.sets.allSatisfy { $0.spec.replicas > 3 })
    }

    @Test func aRolloutThatStandsStillTimesOut() {
        var world = DeploymentSimulation(seed: 9, replicas: 1, surge: 1, unavailable: 0)
        _ = world.look()
        _ = world.look()
        world.now = world.now + .seconds(700)
        _ = world.look()
        let progressing = world.deployment.status.conditions.first { $0.type == "Progressing" }
        #expect(progressing?.status == "False")
        #expect(progressing?.reason == "ProgressDeadlineExceeded")
    }
}
