import APIMachinery
import KubernetesAPI
import Testing

@testable import Kubelet

@Suite struct ProbeTests {
    private func probed(_ build: (inout Container) -> Void) -> PodSimulation {
        let pod = pod {
            var container = $0.spec.containers[0]
            build(&container)
            $0.spec.containers = [container]
        }
        return PodSimulation(pod)
    }

    private func probe(_ period: Int32 = 1, failures: Int32 = 3) -> Probe {
        Probe {
            $0.periodSeconds = period
            $0.failureThreshold = failures
            $0.exec = ExecAction { $0.command = ["true"] }
        }
    }

    @Test func readinessFollowsItsProbe() {
        var simulation = probed { $0.readinessProbe = probe() }
        simulation.health["a/readiness"] = false
        simulation.look()
        #expect(simulation.status.condition("Ready") == "False")
        simulation.health["a/readiness"] = true
        simulation.advance(.seconds(2))
        #expect(simulation.status.condition("Ready") == "True")
        simulation.health["a/readiness"] = false
        simulation.advance(.seconds(2))
        #expect(simulation.status.condition("Ready") == "True")
        simulation.advance(.seconds(3))
        #expect(simulation.status.condition("Ready") == "False")
    }

    @Test func aFailedLivenessProbeRestartsTheContainer() {
        var simulation = probed { $0.livenessProbe = probe() }
        simulation.look()
        simulation.health["a/liveness"] = false
        simulation.advance(.seconds(3))
        #expect(simulation.log.contains("stop a"))
        #expect(simulation.events.contains("Unhealthy") && simulation.events.contains("Killing"))
        simulation.health["a/liveness"] = true
        simulation.advance(.seconds(60))
        #expect(simulation.status.containerStatuses.first?.restartCount == 1)
    }

    /// It comes at each period, and counts neither for the container nor against it.
    @Test func aProbeThatCouldNotBeAskedChangesNoCounter() {
        var simulation = probed { $0.livenessProbe = probe() }
        simulation.look()
        simulation.health["a/liveness"] = false
        simulation.advance(.seconds(2))
        let failures = simulation.events.filter { $0 == "Unhealthy" }.count
        #expect(failures == 2)
        simulation.probeError = "container a has no port nope"
        simulation.advance(.seconds(20))
        let text = "Liveness probe errored and resulted in unknown state: container a has no port nope"
        #expect(simulation.messages.filter { $0 == text }.count == 20)
        #expect(!simulation.log.contains("stop a"))
        simulation.probeError = nil
        simulation.advance(.seconds(1))
        #expect(simulation.log.contains("stop a"))
    }

    @Test func whetherItIsReadyIsAskedUntilItsEnd() {
        var simulation = probed {
            $0.readinessProbe = probe()
            $0.livenessProbe = probe(failures: 1)
        }
        simulation.look()
        #expect(simulation.status.condition("Ready") == "True")
        simulation.holdsStops = true
        simulation.health = ["a/readiness": false, "a/liveness": false]
        var pod = simulation.machine.pod
        pod.metadata.deletionTimestamp = Timestamp(simulation.now + .seconds(30))
        pod.metadata.deletionGracePeriodSeconds = 30
        simulation.deliver(.updated(pod))
        simulation.advance(.seconds(2))
        #expect(simulation.status.condition("Ready") == "True")
        simulation.advance(.seconds(2))
        #expect(simulation.status.condition("Ready") == "False")
        simulation.health["a/readiness"] = true
        simulation.advance(.seconds(2))
        #expect(simulation.status.condition("Ready") == "True")
        // The liveness probe says nothing any more.
        #expect(simulation.log.filter { $0 == "stop a" }.count == 1)
        #expect(simulation.events.filter { $0 == "Unhealthy" }.count == 4, "\(simulation.events)")
    }

    @Test func theOthersWaitForTheStartupProbe() {
        var simulation = probed {
            $0.startupProbe = probe(failures: 100)
            $0.livenessProbe = probe(failures: 1)
        }
        simulation.health["a/startup"] = false
        simulation.health["a/liveness"] = false
        simulation.look()
        simulation.advance(.seconds(20))
        #expect(!simulation.log.contains("stop a"))
        #expect(simulation.status.containerStatuses.first?.started == false)
        simulation.health["a/startup"] = true
        simulation.advance(.seconds(3))
        #expect(simulation.log.contains("stop a"))
    }
}
