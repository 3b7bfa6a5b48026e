import APIMachinery
import KubernetesAPI
import Testing

@testable import Kubelet

/// Containers that are restarted by other rules than their pod's.
@Suite struct RestartRuleTests {
    private func rule(_ comparison: String, _ codes: [Int32]) -> ContainerRestartRule {
        ContainerRestartRule {
            $0.action = "Restart"
            $0.exitCodes = ContainerRestartRuleOnExitCodes {
                $0.operator = comparison
                $0.values = codes
            }
        }
    }

    private func simulation(
        pod policy: String, own: String?, rules: [ContainerRestartRule] = []
    ) -> PodSimulation {
        var simulation = PodSimulation(
            pod(restartPolicy: policy) {
                var container = $0.spec.containers[0]
                container.restartPolicy = own
                container.restartPolicyRules = rules
                $0.spec.containers = [container]
            })
        simulation.look()
        return simulation
    }

    @Test func itsOwnPolicyCountsForMoreThanItsPods() {
        for (pod, own, code, phase) in [
            ("Always", "Never", 1, "Failed"), ("Always", "Never", 0, "Succeeded"),
            ("Always", "OnFailure", 0, "Succeeded"),
            ("Never", "OnFailure", 1, "Running"), ("Never", "Always", 0, "Running"), ("Never", nil, 1, "Failed"),
        ] as [(String, String?, Int32, String)] {
            var simulation = simulation(pod: pod, own: own)
            simulation.exit("a", code: code)
            simulation.advance(.seconds(60))
            let count: Int32 = phase == "Running" ? 1 : 0
            #expect(simulation.status.phase == phase)
            #expect(simulation.status.containerStatuses.first?.restartCount == count)
        }
    }

    @Test func rulesAreExceptionsFromIt() {
        let rules = [rule("In", [42, 43]), rule("NotIn", [1, 2, 42])]
        for (code, isRestarted) in [(42, true), (3, true), (0, true), (1, false), (2, false)] as [(Int32, Bool)] {
            var simulation = simulation(pod: "Never", own: "Never", rules: rules)
            simulation.exit("a", code: code)
            simulation.advance(.seconds(60))
            #expect(simulation.status.phase == (isRestarted ? "Running" : "Failed"), "exit code \(code)")
        }
        // Without a policy of its own it has no rules.
        var bare = simulation(pod: "Never", own: nil, rules: rules)
        bare.exit("a", code: 42)
        bare.advance(.seconds(60))
        #expect(bare.status.phase == "Failed")
    }

    @Test func anInitContainerHasItsOwnPolicyUntilItSucceeds() {
        func setup(_ own: String, _ rules: [ContainerRestartRule] = []) -> PodSimulation {
            let setup = Container {
                $0.name = "setup"
                $0.restartPolicy = own
                $0.restartPolicyRules = rules
            }
            var simulation = PodSimulation(pod(initContainers: [setup], restartPolicy: "Always"))
            simulation.look()
            return simulation
        }
        var failed = setup("Never")
        failed.exit("setup", code: 1)
        failed.advance(.seconds(60))
        #expect(failed.status.phase == "Failed")
        var again = setup("Never", [rule("In", [0, 42])])
        again.exit("setup", code: 42)
        again.advance(.seconds(60))
        #expect(again.status.phase == "Pending" && again.log.contains("start setup 1"))
        again.exit("setup", code: 0)
        #expect(again.log.contains("start a 0"))
    }
}
