import Testing

@testable import ContainerRuntime

@Suite struct EventBacklogTests {
    @Test func theNewestStayAndTheReaderIsTold() async {
        let backlog = EventBacklog<Int>(bound: 2)
        for number in 1...3 { backlog.put(number) }
        var batch = await backlog.next()
        #expect(batch?.events == [2, 3] && batch?.isGap == true)
        backlog.put(4)
        batch = await backlog.next()
        #expect(batch?.events == [4] && batch?.isGap == false)
        backlog.wake()
        batch = await backlog.next()
        #expect(batch?.events == [] && batch?.isGap == false)
    }

    @Test func aReaderThatHasEndedIsForgotten() async {
        var readers = EventReaders<Int>()
        let (left, stays) = (EventBacklog<Int>(), EventBacklog<Int>())
        readers.add(left)
        readers.add(stays)
        left.end()
        readers.put(1)
        #expect(await left.next() == nil)
        #expect(await stays.next()?.events == [1])
    }

    @Test func cancellingTheReaderEndsIt() async {
        let backlog = EventBacklog<Int>()
        _ = await backlog.next()
        let reader = Task { await backlog.next() == nil }
        reader.cancel()
        #expect(await reader.value)
    }
}
