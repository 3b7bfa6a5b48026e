import PodMonitor
import Testing

@Suite struct ProcessMachineTests {
    private let failure = LaunchFailure(stage: 27, code: 2, index: 0)

    @Test func createThenStart() {
        var machine = ProcessMachine(startsAtOnce: false)
        let tooEarly = machine.start()
        let prepared = machine.ready()
        let accepted = machine.start()
        #expect(!tooEarly && accepted && prepared == .replyPrepared)
        machine.isExecuting()
        let actions = [machine.controlEnded(lostStage: 29), machine.exited(), machine.exited()]
        #expect(actions == [.replyStarted, .reportExit, .none])
    }

    @Test func hooksOfOthersAreWaitedForInBetween() {
        var machine = ProcessMachine(startsAtOnce: false)
        let tooEarly = machine.proceed()
        let created = machine.created()
        let started = machine.start()
        let accepted = machine.proceed()
        let ready = machine.ready()
        #expect(!tooEarly && created == .replyPrepared && !started && accepted && ready == .replyPrepared)
        #expect(machine.phase == .prepared)
    }

    @Test func anEndWhileHooksAreWaitedForIsALostProcess() {
        var machine = ProcessMachine(startsAtOnce: false)
        _ = machine.created()
        let actions = [machine.controlEnded(lostStage: 29), machine.exited()]
        #expect(actions == [.replyFailed(LaunchFailure(stage: 29, code: 0, index: 0)), .none])
    }

    @Test func runPassesOverReady() {
        var machine = ProcessMachine(startsAtOnce: true)
        let ready = machine.ready()
        machine.isExecuting()
        let actions = [ready, machine.controlEnded(lostStage: 29)]
        #expect(actions == [.none, .replyStarted])
    }

    @Test func aFailureIsToldOnceAndLeavesNoExit() {
        var machine = ProcessMachine(startsAtOnce: true)
        machine.isExecuting()
        let actions = [machine.failed(failure), machine.controlEnded(lostStage: 29), machine.exited()]
        #expect(actions == [.replyFailed(failure), .none, .none])
    }

    @Test func anEndWithoutAWordIsALostProcess() {
        var machine = ProcessMachine(startsAtOnce: false)
        let action = machine.controlEnded(lostStage: 29)
        #expect(action == .replyFailed(LaunchFailure(stage: 29, code: 0, index: 0)))
        #expect(machine.phase == .failed)
    }

    @Test func aPreparedProcessThatIsKilledReportsItsExit() {
        var machine = ProcessMachine(startsAtOnce: false)
        let actions = [machine.ready(), machine.controlEnded(lostStage: 29), machine.exited()]
        #expect(actions == [.replyPrepared, .none, .reportExit])
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
        let numbers = [ledger.add(record(5)).number, ledger.add(record(6)).number, ledger.add(record(7)).number]
        #expect(numbers == [1, 2, 3])
        ledger.acknowledge(upTo: 2)
        #expect(ledger.pending.map(\.exitCode) == [7])
        ledger.acknowledge(upTo: 1)
        #expect(ledger.pending.count == 1)
        let next = ledger.add(record(8)).number
        #expect(next == 4)
        ledger.acknowledge(upTo: 99)
        #expect(ledger.pending.isEmpty)
    }

    @Test func aFullLedgerSaysSoAndStillTakesExits() {
        var ledger = ExitLedger()
        for index in 0..<MonitorLimit.exits { _ = ledger.add(record(Int32(index))) }
        #expect(ledger.isFull)
        let next = ledger.add(record(1)).number
        #expect(next == UInt64(MonitorLimit.exits) + 1)
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
            let head = [reader.number(UInt32.self), reader.number(UInt32.self)]
            #expect(head == [MessageKind.exec.rawValue, 7])
            let (large, negative) = (reader.number(UInt64.self), reader.number(Int32.self))
            #expect(large == UInt64.max - 1 && negative == -5)
            let (short, text) = (reader.number(UInt16.self), reader.string(limit: 3))
            #expect(short == 513 && text == [1, 2, 3])
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
            let read = ExitRecord(from: &reader)
            #expect(read == record)
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
