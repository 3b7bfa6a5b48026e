import APIMachinery
import Glibc
import Linux
import TestSupport
import Testing

@testable import Daemon

@Suite struct TimelineTests {
    private let start = Timestamp(seconds: 1_000)

    private func entry(_ index: Int, _ step: String = "kubelet.status", _ message: String? = nil) -> TimelineEntry {
        TimelineEntry(at: start + .milliseconds(index), step: step, message: message)
    }

    @Test func anEntryIsALineAndBack() throws {
        let entry = TimelineEntry(
            at: Timestamp(seconds: 1_000, nanoseconds: 123_456_789), step: "container.start", container: "web",
            duration: .microseconds(2_600), message: "with \"quotes\"\nand lines")
        #expect(entry.line.last == UInt8(ascii: "\n"))
        #expect(entry.line.filter { $0 == UInt8(ascii: "\n") }.count == 1)
        #expect(TimelineEntry.entries(in: entry.line) == [entry])
    }

    @Test func linesCutShortArePassedOver() {
        let lines = entry(1).line + Array("{\"at\":\"2026".utf8) + [UInt8(ascii: "\n")] + entry(2).line
        #expect(TimelineEntry.entries(in: lines) == [entry(1), entry(2)])
    }

    @Test func longMessagesAreCut() {
        let long = entry(0, "event.X", String(repeating: "x", count: 10_000))
        #expect(long.line.count < 1_000)
    }

    @Test func aLongTimelineKeepsItsEnds() {
        let entries = (0..<1_000).map { entry($0) }
        let once = TimelineDirectory.shortened(entries)
        #expect(once.count == 201)
        #expect(once.first == entries.first && once.last == entries.last)
        #expect(once[100].message == "800 steps left out")
        let twice = TimelineDirectory.shortened(once + (1_000..<1_010).map { entry($0) })
        #expect(twice.count == 201)
        #expect(twice[100].message == "810 steps left out")
        #expect(TimelineDirectory.shortened(Array(entries.prefix(50))).count == 50)
    }

    @Test func aDirectoryKeepsTimelinesWithinTheirBounds() throws {
        let path = "\(temporaryDirectory)/swiftlet-timeline-\(getpid())"
        defer { try? TreeRemoval.remove(path) }
        let directory = TimelineDirectory(path: path)
        #expect(try directory.pods().isEmpty)
        try directory.make()
        let pod = try #require(TimelinePod(namespace: "shop", name: "web", uid: "1"))
        for index in 0..<400 {
            try directory.append([entry(index, "event.X", String(repeating: "x", count: 400))], to: pod)
        }
        #expect(try directory.pods(named: PodName("shop/web")) == [pod])
        let kept = try directory.entries(of: pod)
        #expect(kept.first?.at == start && kept.last?.at == start + .milliseconds(399))
        let missing = kept.first { $0.step == "timeline.omitted" }?.message
        #expect(missing == "\(400 - kept.count + 1) steps left out")
        #expect(kept.reduce(0) { $0 + $1.line.count } <= TimelineDirectory.fileBytes)
        try directory.prune()
        #expect(try directory.pods() == [pod])
    }

    /// Messages of control characters are six times as long in the file.
    @Test func noTimelineOutgrowsItsFile() throws {
        let path = "\(temporaryDirectory)/swiftlet-timeline-long-\(getpid())"
        defer { try? TreeRemoval.remove(path) }
        let directory = TimelineDirectory(path: path)
        try directory.make()
        let pod = try #require(TimelinePod(namespace: "shop", name: "web", uid: "1"))
        let long = String(repeating: "\u{1}", count: 512)
        for round in 0..<8 {
            try directory.append((0..<100).map { entry(round * 100 + $0, "event.X", long) }, to: pod)
            #expect(try directory.entries(of: pod).last?.at == start + .milliseconds(round * 100 + 99))
        }
        // One that is too long nevertheless, such as another version's, is begun anew.
        let file = "\(path)/\(pod.fileName)"
        try WholeFile.replace(
            file, with: Array(repeating: entry(0, "event.X", long).line, count: 200).flatMap { $0 }, mode: 0o600,
            durable: false)
        try directory.append([entry(1)], to: pod)
        #expect(try directory.entries(of: pod).map(\.step) == ["timeline.omitted", "kubelet.status"])
    }

    @Test func aFileNamesItsPod() throws {
        let pod = try #require(TimelinePod(namespace: "shop", name: "web-1", uid: "0a-b"))
        #expect(pod.fileName == "shop_web-1_0a-b.jsonl")
        #expect(TimelinePod(fileName: pod.fileName) == pod)
        #expect(TimelinePod(fileName: "x.jsonl") == nil)
        #expect(TimelinePod(namespace: "..", name: "web", uid: "1") == nil)
        #expect(TimelinePod(namespace: "a/b", name: "web", uid: "1") == nil)
        #expect(TimelinePod(namespace: "a", name: "web", uid: "") == nil)
    }

    @Test func aReportCountsRepeatedEventsAndSaysWhenThePodRan() throws {
        let pod = try #require(TimelinePod(namespace: "shop", name: "web", uid: "1"))
        let entries = [
            entry(40, "event.BackOff", "again"), entry(0, "api.received"), entry(10, "kubelet.status", "Pending"),
            entry(20, "kubelet.status", "Running"), entry(30, "event.BackOff", "again"),
        ]
        let text = TimelineReport(pod: pod, entries: entries).text
        #expect(text.contains("Running 20.0 ms after the first step"))
        #expect(text.contains("again (2 times, last after 40.0 ms)"))
        #expect(text.contains("request received"))
    }

    @Test func whatCouldNotBeStartedNeverRan() throws {
        let pod = try #require(TimelinePod(namespace: "shop", name: "web", uid: "1"))
        let failed = TimelineEntry(
            at: .epoch, step: "container.start", container: "a", message: "no such program", isFailure: true)
        #expect(TimelineEntry.entries(in: failed.line) == [failed])
        let report = TimelineReport(
            pod: pod, entries: [failed, entry(1, "kubelet.status", "Running: a CrashLoopBackOff")])
        #expect(report.text.contains("container not started") && report.text.contains("no such program"))
        #expect(report.summary == "not Running; the last word: Running: a CrashLoopBackOff\n")
    }

    @Test func aPodWithoutANodeSaysWhy() throws {
        let pod = try #require(TimelinePod(namespace: "shop", name: "web", uid: "1"))
        let report = TimelineReport(
            pod: pod, entries: [entry(0, "api.created"), entry(1, "api.unschedulable", "1 Insufficient cpu")])
        #expect(report.summary == "not Running; the last word: 1 Insufficient cpu\n")
        #expect(report.text.contains("no node for it"))
    }

    @Test func aPodThatNeverRanHasALastWord() throws {
        let pod = try #require(TimelinePod(namespace: "shop", name: "web", uid: "1"))
        let report = TimelineReport(
            pod: pod, entries: [entry(0, "api.received"), entry(1, "event.Failed", "no such image")])
        #expect(report.summary.contains("no such image"))
        #expect(TimelineReport(pod: pod, entries: []).text.contains("nothing is known"))
    }
}
