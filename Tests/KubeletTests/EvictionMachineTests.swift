import KubernetesAPI
import Testing

@testable import Kubelet

/// When the node is short of something, and what it does about it: on a clock of numbers, with figures that the test sets.
@Suite struct EvictionMachineTests {
    private let mebibyte: Int64 = 1 << 20

    @Test func aNodeWithEnoughRests() throws {
        var machine = EvictionMachine(try EvictionSettings())
        #expect(machine.step(look(memory: 500), at: .seconds(0)) == [.rest(.seconds(10))])
        #expect(machine.pressures.isEmpty)
    }

    @Test func onePodGoesAtATimeForMemory() throws {
        var machine = EvictionMachine(try EvictionSettings())
        #expect(
            machine.step(look(memory: 50), at: .zero) == [
                .turn([.memory]), .announce(resource: "memory"), .measure(files: false),
            ])
        let actions = machine.step(.measured([usage("a", memory: 10), usage("b", memory: 700)]), at: .zero)
        guard case .evict(let evictions) = actions.first else {
            Issue.record("\(actions)")
            return
        }
        #expect(evictions.map(\.uid) == ["b"])
        #expect(evictions.first?.termination.grace == .seconds(1))
        #expect(
            evictions.first?.termination.message
                == "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. "
                + "Container main was using 700Mi, request is 0, has larger consumption of memory. ")
        #expect(machine.step(.evicted, at: .seconds(2)) == [.rest(.seconds(1))])
        // Still short: the next one; the one before has not ended yet and is not asked again.
        _ = machine.step(look(memory: 60), at: .seconds(3))
        let next = machine.step(.measured([usage("a", memory: 10), usage("b", memory: 700)]), at: .seconds(3))
        #expect(uids(next) == ["a"])
        _ = machine.step(.evicted, at: .seconds(4))
        _ = machine.step(look(memory: 60), at: .seconds(5))
        #expect(
            machine.step(.measured([usage("b", memory: 700)]), at: .seconds(5)) == [
                .giveUp(resource: "memory"), .rest(.seconds(10)),
            ])
    }

    /// A node that was short a moment ago may be so again: its condition stays for the transition period.
    @Test func theConditionStaysForAWhile() throws {
        var settings = try EvictionSettings()
        settings.transition = .seconds(60)
        var machine = EvictionMachine(settings)
        _ = machine.step(look(memory: 50), at: .seconds(100))
        _ = machine.step(.measured([]), at: .seconds(100))
        #expect(machine.step(look(memory: 500), at: .seconds(110)) == [.rest(.seconds(10))])
        _ = machine.step(look(memory: 99), at: .seconds(120))
        #expect(machine.step(look(memory: 500), at: .seconds(179)) == [.rest(.seconds(10))])
        #expect(machine.pressures == [.memory])
        #expect(machine.step(look(memory: 500), at: .seconds(180)) == [.turn([]), .rest(.seconds(10))])
    }

    @Test func withoutATransitionPeriodTheConditionFollowsTheSignal() throws {
        var settings = try EvictionSettings()
        settings.transition = .zero
        var machine = EvictionMachine(settings)
        #expect(machine.step(look(memory: 50), at: .seconds(1)).first == .turn([.memory]))
        #expect(machine.step(look(memory: 500), at: .seconds(2)).first == .turn([]))
    }

    @Test func roomIsMadeOnTheDiskBeforeAPodGoes() throws {
        var machine = EvictionMachine(try EvictionSettings(hard: "nodefs.available<10%"))
        #expect(
            machine.step(look(disk: 5), at: .zero) == [
                .turn([.disk]), .announce(resource: "ephemeral-storage"), .reclaim,
            ])
        #expect(machine.step(.reclaimed(signals(disk: 20)), at: .zero) == [.rest(.seconds(10))])
        _ = machine.step(look(disk: 5), at: .seconds(10))
        #expect(machine.step(.reclaimed(signals(disk: 6)), at: .seconds(10)) == [.measure(files: true)])
        let actions = machine.step(
            .measured([usage("a", stored: 10), usage("b", stored: 300), usage("c", stored: 20)]), at: .seconds(11))
        #expect(uids(actions) == ["b"])
        guard case .evict(let evictions) = actions.first else { return }
        #expect(evictions[0].termination.message.contains("Threshold quantity: 10Mi, available: 6Mi. "))
        #expect(evictions[0].termination.message.contains("Container main was using 300Mi, request is 0"))
    }

    @Test func memoryGoesBeforeTheDisk() throws {
        var machine = EvictionMachine(try EvictionSettings())
        var both = signals(disk: 5)
        both.readings[.memory] = SignalReading(available: 1, capacity: 1 << 30)
        #expect(
            machine.step(.looked(both, hasStorageLimits: false), at: .zero) == [
                .turn([.memory, .disk]), .announce(resource: "memory"), .measure(files: false),
            ])
    }

    /// What all pods together may use has the threshold of the node's memory.
    @Test func theMemoryOfAllPodsIsWatchedToo() throws {
        var machine = EvictionMachine(try EvictionSettings())
        var short = signals(memory: 900)
        short.readings[.allocatableMemory] = SignalReading(available: 50 * mebibyte, capacity: 512 * mebibyte)
        #expect(machine.step(.looked(short, hasStorageLimits: false), at: .zero).first == .turn([.memory]))
    }

    @Test func aSoftThresholdWaitsForItsGrace() throws {
        var settings = try EvictionSettings(
            hard: "", soft: "memory.available<200Mi", graces: "memory.available=1m30s")
        settings.maximumGrace = .seconds(20)
        var machine = EvictionMachine(settings)
        #expect(machine.step(look(memory: 150), at: .zero) == [.turn([.memory]), .rest(.seconds(10))])
        #expect(machine.step(look(memory: 150), at: .seconds(80)) == [.rest(.seconds(10))])
        // In between it was well: the grace begins anew.
        _ = machine.step(look(memory: 300), at: .seconds(85))
        #expect(machine.step(look(memory: 150), at: .seconds(90)) == [.rest(.seconds(10))])
        #expect(machine.step(look(memory: 150), at: .seconds(180)).last == .measure(files: false))
        let actions = machine.step(.measured([usage("a", memory: 1)]), at: .seconds(180))
        guard case .evict(let evictions) = actions.first else {
            Issue.record("\(actions)")
            return
        }
        #expect(evictions[0].termination.grace == .seconds(20))
    }

    @Test func podsThatStoreTooMuchGoAllAtOnce() throws {
        var machine = EvictionMachine(try EvictionSettings())
        func member(_ uid: String, stored: Int64) -> PodUsage {
            var usage = usage(uid, stored: stored)
            usage.pod.spec.containers[0].resources = ResourceRequirements {
                $0.limits = ["ephemeral-storage": mebibytes(100)]
            }
            return usage
        }
        let looked = EvictionEvent.looked(signals(memory: 500), hasStorageLimits: true)
        #expect(machine.step(looked, at: .zero) == [.measure(files: true)])
        let pods = [member("a", stored: 101), member("b", stored: 100), member("c", stored: 500)]
        #expect(uids(machine.step(.measured(pods), at: .zero)) == ["a", "c"])
        _ = machine.step(.evicted, at: .zero)
        _ = machine.step(looked, at: .seconds(1))
        #expect(machine.step(.measured([pods[1]]), at: .seconds(1)) == [.rest(.seconds(10))])
    }

    // MARK: - Figures

    private func signals(memory: Int64 = 500, disk: Int64 = 50) -> EvictionSignals {
        var signals = EvictionSignals()
        signals.readings = [
            .memory: SignalReading(available: memory * mebibyte, capacity: 1024 * mebibyte),
            .disk: SignalReading(available: disk * mebibyte, capacity: 100 * mebibyte),
        ]
        return signals
    }

    private func look(memory: Int64 = 500, disk: Int64 = 50) -> EvictionEvent {
        .looked(signals(memory: memory, disk: disk), hasStorageLimits: false)
    }

    private func usage(_ uid: String, memory: Int64? = nil, stored: Int64 = 0) -> PodUsage {
        podUsage(uid, memory: memory, stored: stored)
    }

    private func uids(_ actions: [EvictionAction]) -> [String] {
        guard case .evict(let evictions) = actions.first else { return [] }
        return evictions.map(\.uid)
    }
}
