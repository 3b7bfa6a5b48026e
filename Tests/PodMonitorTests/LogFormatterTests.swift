import PodMonitor
import Testing

@Suite struct LogFormatterTests {
    private func lines(_ chunks: [String], _ stream: LogFormatter.Stream = .stdout) -> [String] {
        var formatter = LogFormatter(stream)
        var output: [UInt8] = []
        for chunk in chunks {
            Array(chunk.utf8).withUnsafeBytes { formatter.format($0, at: 0, into: &output) }
        }
        formatter.finish(at: 0, into: &output)
        return String(decoding: output, as: UTF8.self).split(separator: "\n").map { String($0.dropFirst(31)) }
    }

    @Test func aLineIsFull() { #expect(lines(["one\ntwo\n"]) == ["stdout F one", "stdout F two"]) }

    @Test func piecesOfALineAreJoined() {
        #expect(lines(["on", "e\ntw", "o\n"], .stderr) == ["stderr F one", "stderr F two"])
    }

    @Test func anEmptyLineIsALine() { #expect(lines(["\n\n"]) == ["stdout F ", "stdout F "]) }

    @Test func whatEndsWithoutNewlineIsPartial() { #expect(lines(["a\nrest"]) == ["stdout F a", "stdout P rest"]) }

    @Test func aLongLineIsCutAtTheLimit() {
        let long = String(repeating: "x", count: LogFormatter.limit * 2 + 5)
        let found = lines([long + "\n"])
        #expect(found.map { String($0.prefix(8)) } == ["stdout P", "stdout P", "stdout F"])
        #expect(found.map { $0.count - 9 } == [LogFormatter.limit, LogFormatter.limit, 5])
    }

    @Test func aLineOfExactlyTheLimitIsFull() {
        let found = lines([String(repeating: "x", count: LogFormatter.limit) + "\n"])
        #expect(found.count == 1 && found[0].hasPrefix("stdout F"))
    }

    @Test func timesAreUTCWithNineDigits() {
        func text(_ nanoseconds: UInt64) -> String {
            var output: [UInt8] = []
            LogTime.append(nanoseconds, to: &output)
            return String(decoding: output, as: UTF8.self)
        }
        #expect(text(0) == "1970-01-01T00:00:00.000000000Z")
        #expect(text(951_782_400_000_000_001) == "2000-02-29T00:00:00.000000001Z")
        #expect(text(1_795_380_825_518_128_674) == "2026-11-22T20:53:45.518128674Z")
        #expect(text(4_107_542_399_999_999_999) == "2100-02-28T23:59:59.999999999Z")
        #expect(text(4_107_542_400_000_000_000) == "2100-03-01T00:00:00.000000000Z")
    }
}
