import PodMonitor
import Testing

@Suite struct ProcessMachineTests {
    private let failure = LaunchFailure(stage: 27, code: 2, index: 0)

    @Test func createThenStart() {
        var machine = ProcessMachine(startsAtOnce: false)
        #expect(machine.start() == false)
        #expect(machine.ready() == .replyPrepared)
        #expect(machine.start())
        machine.isExecuting()
        #expect(machine.controlEnded(lostStage: 29) == .replyStarted)
        #expect(machine.exited() == .reportExit)
        #expect(machine.exited() == .none)
    }

    @Test func runPassesOverReady() {
        var machine = ProcessMachine(startsAtOnce: true)
        #expect(machine.ready() == .none)
        machine.isExecuting()
        #expect(machine.controlEnded(lostStage: 29) == .replyStarted)
    }

    @Test func aFailureIsToldOnceAndLeavesNoExit() {
        var machine = ProcessMachine(startsAtOnce: true)
        machine.isExecuting()
        #expect(machine.failed(failure) == .replyFailed(failure))
        #expect(machine.controlEnded(lostStage: 29) == .none)
        #expect(machine.exited() == .none)
    }

    @Test func anEndWithoutAWordIsALostProcess() {
        var machine = ProcessMachine(startsAtOnce: false)
        #expect(machine.controlEnded(lostStage: 29) == .replyFailed(LaunchFailure(stage: 29, code: 0, index: 0)))
        #expect(machine.phase == .failed)
    }

    @Test func aPreparedProcessThatIsKilledReportsItsExit() {
        var machine = ProcessMachine(startsAtOnce: false)
        _ = machine.ready()
        #expect(machine.controlEnded(lostStage: 29) == .none)
        #expect(machine.exited() == .reportExit)
    }
}

@Suite struct ExitLedgerTests {
    private func record(_ code: Int32) -> ExitRecord {
        var record = ExitRecord()
        record.exitCode = code
        return record
    }

    @Test func numbersGrowFromOneAndStayUntilAcknowledged() {
        var ledger = ExitLedger()
        #expect(ledger.add(record(5)).number == 1)
        #expect(ledger.add(record(6)).number == 2)
        #expect(ledger.add(record(7)).number == 3)
        ledger.acknowledge(upTo: 2)
        #expect(ledger.pending.map(\.exitCode) == [7])
        ledger.acknowledge(upTo: 1)
        #expect(ledger.pending.count == 1)
        #expect(ledger.add(record(8)).number == 4)
        ledger.acknowledge(upTo: 99)
        #expect(ledger.pending.isEmpty)
    }

    @Test func aFullLedgerSaysSoAndStillTakesExits() {
        var ledger = ExitLedger()
        for index in 0..<MonitorLimit.exits { _ = ledger.add(record(Int32(index))) }
        #expect(ledger.isFull)
        #expect(ledger.add(record(1)).number == UInt64(MonitorLimit.exits) + 1)
    }
}

@Suite struct MemoryEventsTests {
    private func hasKilled(_ text: String) -> Bool { Array(text.utf8).withUnsafeBytes { MemoryEvents.hasKilled($0) } }

    @Test func countsTheKernelsKills() {
        #expect(hasKilled("low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\noom_group_kill 0\n"))
        #expect(!hasKilled("low 0\nhigh 0\nmax 3\noom 1\noom_kill 0\noom_group_kill 2\n"))
        #expect(!hasKilled("") && !hasKilled("oom_kill") && !hasKilled("oom_kill "))
    }
}

@Suite struct WireTests {
    @Test func numbersAndStringsComeBack() {
        var writer = WireWriter(.exec, request: 7)
        writer.append(UInt64.max - 1)
        writer.append(Int32(-5))
        writer.append(UInt16(513))
        writer.append(bytes: [1, 2, 3])
        writer.bytes.withUnsafeBytes { bytes in
            var reader = WireReader(bytes)
            #expect(reader.number(UInt32.self) == MessageKind.exec.rawValue)
            #expect(reader.number(UInt32.self) == 7)
            #expect(reader.number(UInt64.self) == UInt64.max - 1)
            #expect(reader.number(Int32.self) == -5)
            #expect(reader.number(UInt16.self) == 513)
            #expect(reader.string(limit: 3) == [1, 2, 3])
            #expect(reader.isAtEnd && !reader.failed)
        }
    }

    @Test func anExitRecordComesBack() {
        var record = ExitRecord()
        record.number = 9
        record.container = Array("c".utf8)
        record.session = Array("s".utf8)
        record.exitCode = 137
        record.signal = 9
        record.outOfMemory = true
        record.startedAt = 1
        record.finishedAt = 2
        var writer = WireWriter(.exit, request: 0)
        record.write(to: &writer)
        writer.bytes.withUnsafeBytes { bytes in
            var reader = WireReader(UnsafeRawBufferPointer(rebasing: bytes[8...]))
            #expect(ExitRecord(from: &reader) == record)
        }
    }

    @Test func brokenMessagesFailAndNeverTrap() {
        var random = SystemRandomNumberGenerator()
        let seed = random.next()
        var state = seed
        for _ in 0..<2000 {
            var bytes: [UInt8] = []
            for _ in 0..<Int(state % 40) {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes.append(UInt8(truncatingIfNeeded: state >> 33))
            }
            state = state &* 6_364_136_223_846_793_005 &+ 1
            bytes.withUnsafeBytes { raw in
                var reader = WireReader(raw)
                _ = ExitRecord(from: &reader)
                _ = reader.string(limit: 10)
                if bytes.count < 48 { #expect(reader.failed, "seed \(seed)") }
            }
        }
    }
}
