import APIMachinery
import CRI
import Glibc
import KubernetesAPI
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Kubelet

/// What becomes of observations of the machine.
@Suite struct HostHealthTests {
    @Test func eachTransitionIsToldOnce() {
        var health = HostHealth()
        #expect(health.gone(.diskFull, at: .zero) == nil)
        #expect(health.found(.diskFull, "full", at: .seconds(1)) == .began(.diskFull, message: "full"))
        #expect(health.found(.diskFull, "full", at: .seconds(2)) == nil)
        #expect(health.found(.diskStalled, "slow", at: .seconds(3)) == .began(.diskStalled, message: "slow"))
        #expect(health.gone(.diskFull, at: .seconds(11)) == .ended(.diskFull, message: "full", after: .seconds(10)))
        #expect(health.gone(.diskFull, at: .seconds(12)) == nil)
        #expect(health.has(.diskStalled) && !health.has(.diskFull))
    }

    private let object = NodeObject(
        identity: NodeIdentity(name: "n", addresses: ["192.0.2.1"]),
        facts: NodeFacts(
            cpuMilli: 1, memoryBytes: 1 << 20, diskBytes: 1 << 20, maximumPods: 1, architecture: "amd64",
            kernelVersion: "6", operatingSystem: "o", bootID: "b", machineID: "m", runtimeVersion: "r",
            kubeletVersion: "k", hostname: "n"))

    private func condition(_ status: NodeStatus, _ fault: HostFault) -> String? {
        status.conditions.first { $0.type == fault.rawValue }.map {
            "\($0.status) \($0.reason ?? "") \($0.message ?? "")"
        }
    }

    /// A healthy node says nothing of faults that it never had; one that had one says that it is over, also after a restart of the daemon.
    @Test func aConditionComesWithTheFaultAndStays() {
        var health = HostHealth()
        let now = Timestamp(seconds: 1_795_000_000)
        let healthy = object.status(NodeStatus(), runtime: nil, images: [], host: health.conditions, at: now)
        #expect(HostFault.allCases.allSatisfy { condition(healthy, $0) == nil })
        _ = health.found(.diskFull, "no space", at: .zero)
        let full = object.status(healthy, runtime: nil, images: [], host: health.conditions, at: now)
        #expect(condition(full, .diskFull) == "True NoSpaceLeft no space")
        #expect(condition(full, .diskStalled) == nil)
        let over = object.status(full, runtime: nil, images: [], host: HostHealth().conditions, at: now)
        #expect(condition(over, .diskFull) == "False SpaceLeft ")
    }

    /// The first that can be kept of a disk that took no writes is that it did so.
    @Test func anEpisodeIsKeptInAnEvent() {
        let time = ManualTime()
        let host = HostWatch(time: time, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        host.found(.diskStalled, "a write waits")
        time.advance(by: .seconds(35))
        #expect(host.takeEpisodes() == [])
        host.gone(.diskStalled)
        let events = host.takeEpisodes().map { $0.event(on: "n") }
        #expect(events.map(\.reason) == ["DataDiskStalled"] && events.allSatisfy { $0.object.name == "n" })
        #expect(events.first?.message == "for 35 s, now over: a write waits")
        #expect(host.takeEpisodes() == [])
        for _ in 0..<100 {
            host.found(.diskFull, "full")
            host.gone(.diskFull)
        }
        #expect(host.takeEpisodes().count == 64)
    }

    @Test func aClockIsSteadyAMinuteAfterItWasSet() {
        var clock = ClockOffset(wall: .seconds(1_000_000), uptime: .seconds(5))
        #expect(clock.look(wall: .seconds(1_000_010), uptime: .seconds(15)) == .steady)
        // The daemon that keeps the time right moves it by less than a second.
        #expect(clock.look(wall: .milliseconds(1_000_010_900), uptime: .seconds(15)) == .steady)
        #expect(clock.look(wall: .seconds(2_000_010), uptime: .seconds(15)) == .jumped(.milliseconds(999_999_100)))
        #expect(clock.look(wall: .seconds(2_000_030), uptime: .seconds(35)) == .unsteady(.seconds(40)))
        #expect(clock.look(wall: .seconds(1_000_030), uptime: .seconds(35)) == .jumped(.seconds(-1_000_000)))
        #expect(clock.look(wall: .seconds(1_000_090), uptime: .seconds(95)) == .steady)
    }
}

/// The trials, on a clock that the test moves.
@Suite struct HostTrialsTests {
    private final class Machine: Sendable {
        let time = ManualTime()
        let host: HostWatch
        let disk = Mutex<Int32>(0)
        let process = Mutex<Int32>(0)
        let stall = Mutex(Duration.zero)

        init() {
            host = HostWatch(time: time, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }

        /// Runs the trials beside `body`, after the first of each.
        func run(_ body: () async throws -> Void) async rethrows {
            let trials = HostTrials(
                host, dataDirectory: "/data", time: time,
                writeDisk: {
                    let pause = self.stall.withLock { $0 }
                    if pause > .zero { try? await self.time.sleep(for: pause) }
                    return self.disk.withLock { $0 }
                }, startProcess: { self.process.withLock { $0 } })
            let work = Task { await trials.run() }
            defer { work.cancel() }
            await settle()
            try await body()
            work.cancel()
            await work.value
        }

        func next(_ seconds: Int) async {
            time.advance(by: .seconds(seconds))
            await settle()
        }

        /// Returns when all three pause: none is in a write, whose limit is a sleeper too.
        func settle() async {
            await time.waitForSleepers(3, longerThan: DiskTrial.limit)
        }
    }

    @Test(arguments: [
        (ENOSPC, HostFault.diskFull), (EDQUOT, .diskFull), (EROFS, .diskReadOnly), (EIO, .diskFailing),
    ])
    func aDiskThatTakesNothing(_ code: Int32, _ fault: HostFault) async {
        let machine = Machine()
        await machine.run {
            #expect(HostFault.allCases.allSatisfy { !machine.host.has($0) })
            machine.disk.withLock { $0 = code }
            await machine.next(10)
            #expect(HostFault.allCases.filter { machine.host.has($0) } == [fault])
            machine.disk.withLock { $0 = 0 }
            // Sooner than in good times.
            await machine.next(3)
            #expect(!machine.host.has(fault))
        }
    }

    /// It is said while the write still hangs, and is over with the first one in time.
    @Test func aDiskThatStalls() async throws {
        let machine = Machine()
        try await machine.run {
            machine.stall.withLock { $0 = .seconds(30) }
            machine.time.advance(by: .seconds(10))
            // The write, its limit, and the other two.
            await machine.time.waitForSleepers(4)
            #expect(!machine.host.has(.diskStalled))
            machine.time.advance(by: .seconds(2))
            await machine.time.waitForSleepers(3)
            try await until { machine.host.has(.diskStalled) }
            // The next one is in time.
            machine.stall.withLock { $0 = .zero }
            await machine.next(28)
            #expect(machine.host.has(.diskStalled))
            await machine.next(3)
            #expect(!machine.host.has(.diskStalled))
        }
    }

    @Test func aProcessTableThatIsFull() async {
        let machine = Machine()
        await machine.run {
            machine.process.withLock { $0 = EAGAIN }
            await machine.next(10)
            #expect(machine.host.has(.processesExhausted))
            machine.process.withLock { $0 = 0 }
            let ends = machine.host.ends()
            await machine.next(3)
            #expect(!machine.host.has(.processesExhausted))
            // Pods that waited are told.
            for await _ in ends { break }
        }
    }

    @Test func aClockThatIsSet() async {
        let machine = Machine()
        await machine.run {
            let changes = machine.host.changes()
            machine.time.setClock(by: .seconds(-86_400))
            for await _ in changes { break }
            #expect(machine.host.has(.clockSet))
            await machine.settle()
            for _ in 0..<20 where machine.host.has(.clockSet) { await machine.next(10) }
            #expect(!machine.host.has(.clockSet))
        }
    }
}
