import APIMachinery
import KubernetesAPI
import TestSupport
import Testing

@testable import Kubelet

@Suite struct VolumeRefreshTests {
    private let object = ReferencedObject(.configMap, "c", in: "default")

    private func running(_ version: String? = "1", renewal: Duration? = nil) -> PodSimulation {
        let volume = Volume {
            $0.name = "v"
            $0.configMap = ConfigMapVolumeSource { $0.name = "c" }
        }
        var simulation = PodSimulation(
            pod {
                $0.metadata.labels = ["a": "1"]
                $0.spec.volumes = [volume]
            })
        simulation.objects[object] = .some(version)
        simulation.tokenRenewal = renewal
        simulation.look()
        return simulation
    }

    @Test func aVolumeIsWrittenAgainWhenItsObjectHasAnotherVersion() {
        var simulation = running()
        simulation.log = []
        simulation.deliver(.announced(object, version: "1"))
        #expect(simulation.log.isEmpty)
        simulation.objects[object] = "2"
        simulation.deliver(.announced(object, version: "2"))
        #expect(simulation.log == ["refresh"])
        simulation.deliver(.announced(object, version: "2"))
        #expect(simulation.log == ["refresh"])
    }

    /// The watch may be behind what was read: an old version must not make the pod write its volumes for ever.
    @Test func aVersionThatComesLateCostsOneWriteAtMost() {
        var simulation = running("5")
        simulation.log = []
        simulation.deliver(.announced(object, version: "4"))
        simulation.advance(.seconds(600))
        #expect(simulation.log == ["refresh"])
    }

    @Test func whatIsMissingIsTriedAgainAtOnceWhenItAppears() {
        var simulation = running(nil)
        #expect(simulation.log.filter { $0 == "volumes" }.count == 1)
        simulation.advance(.seconds(20))
        let tries = simulation.log.filter { $0 == "volumes" }.count
        #expect(tries > 1 && simulation.events.filter { $0 == "FailedMount" }.count == tries)
        simulation.objects[object] = "1"
        simulation.deliver(.announced(object, version: "1"))
        #expect(simulation.log.filter { $0 == "volumes" }.count == tries + 1)
        #expect(simulation.status.phase == "Running")
    }

    @Test func aPodWhoseVolumesCannotBeMadeGoesWithoutAnotherAttempt() {
        var simulation = running(nil)
        simulation.advance(.seconds(300))
        simulation.log = []
        var leaving = simulation.machine.pod
        leaving.metadata.deletionTimestamp = Timestamp(simulation.now)
        simulation.deliver(.updated(leaving))
        #expect(simulation.log == ["stop sandbox", "clean", "remove sandbox", "confirm"])
    }

    @Test func aFailedRefreshKeepsThePodAndIsTriedAgain() {
        var simulation = running()
        simulation.objects[object] = .some(nil)
        simulation.deliver(.announced(object, version: ""))
        #expect(simulation.events.filter { $0 == "FailedMount" }.count == 1)
        #expect(simulation.status.condition("Ready") == "True")
        simulation.objects[object] = "3"
        simulation.log = []
        simulation.advance(.seconds(2))
        #expect(simulation.log == ["refresh"])
    }

    @Test func aTokenIsRenewedWhenItIsDue() {
        var simulation = running(renewal: .seconds(480))
        simulation.log = []
        simulation.advance(.seconds(479))
        #expect(simulation.log.isEmpty)
        simulation.advance(.seconds(1))
        #expect(simulation.log == ["refresh"])
        simulation.advance(.seconds(480))
        #expect(simulation.log == ["refresh", "refresh"])
    }

    @Test func aPodThatShowsItsLabelsIsWrittenAgainWhenTheyChange() {
        let volume = Volume {
            $0.name = "info"
            $0.downwardAPI = DownwardAPIVolumeSource()
        }
        for (volumes, expected) in [([volume], ["refresh"]), ([], [])] {
            var simulation = PodSimulation(pod { $0.spec.volumes = volumes })
            simulation.look()
            simulation.log = []
            var changed = simulation.machine.pod
            changed.metadata.labels = ["a": "2"]
            simulation.deliver(.updated(changed))
            #expect(simulation.log == expected)
        }
    }

    @Test func aTokenIsKeptForFourFifthsOfItsLifeAndADayAtMost() {
        let tokens = PodTokens()
        let key = PodTokens.Key(podUID: "u", audience: nil, expirationSeconds: 600)
        tokens.keep(PodTokens.Token("t", lifetime: .seconds(600), issuedAt: .seconds(10)), key)
        #expect(tokens.current(key, at: .seconds(489))?.text == "t")
        #expect(tokens.current(key, at: .seconds(490)) == nil)
        let long = PodTokens.Token("t", lifetime: .seconds(1_000_000), issuedAt: .zero)
        #expect(long.renewal == .seconds(86_400))
        tokens.forget(podUID: "u")
        #expect(tokens.current(key, at: .seconds(11)) == nil)
    }
}
