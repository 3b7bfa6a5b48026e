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
        let follower = log.follow(since: Timestamp(seconds: 2))
        log.note(event(4))
        let batch = await follower.next()
        #expect(batch?.events == [event(2), event(3), event(4)] && batch?.isGap == false)
        #expect(await log.follow(since: nil).next()?.events == [])
    }

    @Test func theOldestGoAndWhoAsksForThemIsTold() async {
        let log = EventLog()
        let slow = log.follow(since: nil)
        for second in 1...2_000 { log.note(event(Int64(second))) }
        let newest = (977...2_000).map { event($0) }
        for follower in [slow, log.follow(since: Timestamp(seconds: 976))] {
            let batch = await follower.next()
            #expect(batch?.events == newest && batch?.isGap == true)
        }
        let batch = await log.follow(since: Timestamp(seconds: 977)).next()
        #expect(batch?.events == newest && batch?.isGap == false)
    }

    /// What waits for its facts is noted after what happened later.
    @Test func anEarlierOneThatGoesLaterHidesNothing() async {
        let log = EventLog()
        for second in [30, 10] + (31...1_054) { log.note(event(Int64(second))) }
        #expect(await log.follow(since: Timestamp(seconds: 20)).next()?.isGap == true)
        #expect(await log.follow(since: Timestamp(seconds: 31)).next()?.isGap == false)
    }
}
