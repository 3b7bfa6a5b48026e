import Testing

@testable import Controllers

@Suite struct FailureLogTests {
    @Test func manyFailuresOfOneKindAreOneLineAMinute() {
        var log = FailureLog()
        #expect(log.note("TooManyRequests", at: .zero) == 1)
        let lines = (1...100_000).compactMap { log.note("TooManyRequests", at: .milliseconds($0)) }
        #expect(lines == [60_000])
        #expect(log.note("InternalError", at: .seconds(100)) == 1)
        #expect(log.note("TooManyRequests", at: .seconds(120)) == 40_001)
    }

    @Test func kindsAreBounded() {
        var log = FailureLog()
        for kind in 0...FailureLog.limit { #expect(log.note("\(kind)", at: .zero) == 1) }
        #expect(log.note("0", at: .zero) == 1)
    }
}
