import APIMachinery
import CRI
import KubernetesAPI
import Testing

@testable import Kubelet

/// Pods on a machine whose clock is set, and that lacks what they need.
@Suite struct HostilePodTests {
    static let days = Duration.seconds(400 * 86_400)

    /// A container that ended before the jump waits its time and no longer.
    @Test(arguments: [days, .zero - days]) func aClockThatIsSetMovesNoBackoff(_ jump: Duration) {
        var simulation = PodSimulation(pod())
        simulation.look()
        simulation.exit("a", code: 1)
        simulation.exit("a", code: 1)
        simulation.advance(.seconds(4))
        simulation.clockOffset = jump
        simulation.deliver(.clockSet)
        simulation.advance(.seconds(5))
        #expect(!simulation.log.contains("start a 2"))
        simulation.advance(.seconds(1))
        #expect(simulation.log.contains("start a 2"))
        // And one that ends by the new clock.
        simulation.exit("a", code: 1)
        simulation.advance(.seconds(19))
        #expect(!simulation.log.contains("start a 3"))
        simulation.advance(.seconds(1))
        #expect(simulation.log.contains("start a 3"))
    }

    /// What a daemon finds when it starts after the clock was put back: a container that ended, and one that began, in the future.
    @Test func whatHappenedInTheFutureHappenedNow() {
        var first = PodSimulation(
            pod(["a", "b"]) { $0.spec.containers[1].livenessProbe = Probe { $0.exec = ExecAction() } })
        first.clockOffset = Self.days
        first.look()
        first.exit("a", code: 1)
        first.exit("a", code: 1)
        var second = PodSimulation(first.machine.pod, observation: first.observe())
        second.health["b/liveness"] = false
        second.look()
        second.advance(.seconds(10))
        #expect(second.log.contains("start a 2"))
        second.advance(.seconds(20))
        #expect(second.events.contains("Unhealthy"))
    }

    @Test func aTokenIsRenewedWhenTheClockIsSet() {
        var simulation = PodSimulation(pod())
        simulation.tokenRenewal = .seconds(3_000)
        simulation.look()
        #expect(!simulation.log.contains("refresh"))
        simulation.deliver(.clockSet)
        #expect(simulation.log.last == "refresh")
        var without = PodSimulation(pod())
        without.look()
        without.deliver(.clockSet)
        #expect(!without.log.contains("refresh"))
    }

    /// Addresses or processes are used up: the pod says so at each try, and is tried again at once when there is one.
    @Test func aPodThatLacksSomethingIsTriedWhenItComesFree() {
        var simulation = PodSimulation(pod())
        simulation.sandboxFailure = "no free address"
        simulation.look()
        simulation.advance(.seconds(100))
        #expect(simulation.events.count > 1 && Set(simulation.events) == ["FailedCreatePodSandBox"])
        #expect(simulation.status.phase == "Pending")
        simulation.sandboxFailure = nil
        simulation.deliver(.unblocked)
        #expect(simulation.log.contains("start a 0"))
    }

    /// A probe that could not be carried out says nothing about its container.
    @Test func aProbeThatCannotRunCondemnsNobody() {
        var simulation = PodSimulation(
            pod { $0.spec.containers[0].livenessProbe = Probe { $0.exec = ExecAction() } })
        simulation.look()
        simulation.probeError = "fork: Resource temporarily unavailable"
        simulation.advance(.seconds(200))
        let text = "Liveness probe errored and resulted in unknown state: fork: Resource temporarily unavailable"
        #expect(Set(simulation.events.suffix(5)) == ["Unhealthy"] && simulation.messages.last == text)
        #expect(!simulation.log.contains("stop a"))
        // The same probe that fails does.
        simulation.probeError = nil
        simulation.health["a/liveness"] = false
        simulation.advance(.seconds(200))
        #expect(simulation.log.contains("stop a"))
    }
}
