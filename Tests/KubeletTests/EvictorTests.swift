import APIMachinery
import CRI
import Client
import HTTP
import KubernetesAPI
import Linux
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Kubelet

/// The loop around `EvictionMachine`: figures in, pods ended, conditions told.
@Suite final class EvictorTests {
    private let kubelet = DirectoryFixture()
    private let meter = FakeMeter()
    private let time = ManualTime()
    private let turns = Turns()

    private var evictor: Evictor {
        get throws {
            let client = APIClient(
                handler: FakeHTTPHandler { _ throws(HTTPError) in HTTPResponse(500) }, userAgent: "kubelet")
            return Evictor(
                settings: try EvictionSettings(), node: "n", meter: meter, directory: kubelet.directory,
                recorder: EventRecorder(client: client, component: "kubelet", time: time),
                turn: { [turns] pressures in turns.list.withLock { $0.append(pressures) } }, time: time,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }
    }

    @Test func theLargestPodIsEndedAndNewcomersAreRefused() async throws {
        let directory = kubelet.directory
        let work = Task { await directory.run() }
        var events = kubelet.runtime.containerEvents().makeAsyncIterator()
        for name in ["small", "large"] {
            directory.set(member(name), from: .api)
            while let event = await events.next(), event.kind != .started || event.container == event.sandbox {}
        }
        meter.set(memory: 10, usage: [podUsage("small", memory: 5), podUsage("large", memory: 900)])
        let evictor = try evictor
        var machine = EvictionMachine(evictor.settings)
        let pause = await evictor.look(&machine)
        #expect(pause == EvictionMachine.pause)
        #expect(turns.list.withLock { $0 } == [[.memory]])
        #expect(kubelet.runtime.sandboxes.filter { $0.state == .ready }.map(\.metadata.uid) == ["small"])
        #expect(kubelet.published["large"]?.reason == "Evicted")
        meter.set(memory: 900, usage: [])
        let rest = await evictor.look(&machine)
        #expect(rest == EvictionMachine.period)
        // The condition stays, and so does the rule for those that come.
        directory.set(member("late"), from: .api)
        await kubelet.waitForPublication(of: "late")
        #expect(kubelet.published["late"]?.phase == "Failed")
        #expect(kubelet.published["late"]?.message?.contains("MemoryPressure") == true)
        work.cancel()
        await work.value
    }

    @Test func theKernelsAlarmCutsTheRestShort() async throws {
        let evictor = try evictor
        meter.set(memory: 900, usage: [])
        let work = Task { await evictor.run() }
        await meter.waitForLooks(1)
        meter.raiseAlarm()
        await meter.waitForLooks(2)
        await time.waitForSleepers()
        time.advance(by: .seconds(10))
        await meter.waitForLooks(3)
        work.cancel()
        await work.value
    }

    private func member(_ uid: String) -> Pod {
        pod {
            $0.metadata.name = uid
            $0.metadata.uid = uid
        }
    }
}

/// The conditions that were told, in order.
private final class Turns: Sendable {
    let list = Mutex<[Set<NodePressure>]>([])
}

/// Figures that the test sets.
final class FakeMeter: EvictionMeter {
    private struct State {
        var signals = EvictionSignals()
        var usage: [PodUsage] = []
        var looks = 0
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())
    private let (stream, continuation) = AsyncStream.makeStream(of: Void.self)

    /// - Parameter memory: MiB that are left.
    func set(memory: Int64, usage: [PodUsage]) {
        state.withLock {
            $0.signals.readings[.memory] = SignalReading(available: memory << 20, capacity: 1 << 30)
            $0.usage = usage
        }
    }

    func signals() async -> EvictionSignals {
        state.withLock { state in
            state.looks += 1
            for watcher in state.watchers where watcher.count <= state.looks { watcher.continuation.resume() }
            state.watchers.removeAll { [looks = state.looks] in $0.count <= looks }
            return state.signals
        }
    }

    func usage(of pods: [Pod], files: Bool) async -> [PodUsage] { state.withLock { $0.usage } }
    func reclaim(_ pods: [Pod]) async {}
    func alarms() -> AsyncStream<Void>? { stream }
    func raiseAlarm() { continuation.yield() }

    func waitForLooks(_ count: Int) async {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                guard state.looks < count else { return continuation.resume() }
                state.watchers.append((count, continuation))
            }
        }
    }
}
