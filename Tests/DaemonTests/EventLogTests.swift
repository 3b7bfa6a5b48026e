import APIMachinery
import JSONTree
import Testing

@testable import Daemon

@Suite struct EventLogTests {
    private func event(_ second: Int64) -> JSONValue {
        ["time": .integer(second * 1_000_000_000), "id": .string("\(second)")]
    }

    @Test func whoFollowsHasEachEventOnce() async {
        let log = EventLog()
        for second in 1...3 { log.note(event(Int64(second))) }
        let (past, coming) = log.follow(since: Timestamp(seconds: 2))
        #expect(past == [event(2), event(3)] && log.follow(since: nil).past.isEmpty)
        log.note(event(4))
        log.cut()
        var came: [JSONValue] = []
        for await event in coming { came.append(event) }
        #expect(came == [event(4)] && log.follow(since: Timestamp(seconds: 0)).past.isEmpty)
    }

    @Test func whatIsRememberedAndWaitsIsBounded() async {
        let log = EventLog()
        let slow = log.follow(since: nil).coming
        for second in 1...2_000 { log.note(event(Int64(second))) }
        let past = log.follow(since: Timestamp(seconds: 0)).past
        #expect(past.count == 1_024 && past.last == event(2_000))
        var count = 0
        for await _ in slow { count += 1 }
        #expect(count == 1_024)
    }
}
