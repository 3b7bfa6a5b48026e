import CRI
import Glibc
import Linux
import Logging
import TestSupport
import Testing

@testable import Daemon

@Suite struct RunLogsTests {
    private let directory = "\(temporaryDirectory)/run-logs.\(getpid()).\(UInt64.random(in: .min ... .max))"
    private var logs: RunLogs { RunLogs(directory, bootID: "b007b007-1111") }

    private func write(_ text: String, to uid: String) throws {
        try WholeFile.makeDirectories(logs.path(of: uid), mode: 0o700)
        try WholeFile.replace(logs.path(of: uid) + "/log", with: Array(text.utf8), durable: false)
    }

    private func left() throws -> [String] { try OpenDirectory(directory).names() }

    @Test func aUIDSaysItsBoot() {
        var generator = SystemRandomNumberGenerator()
        let uid = logs.uid(&generator)
        #expect(uid.hasPrefix("session-b007b007-") && uid != logs.uid(&generator))
    }

    @Test func onlyWhatALostRecordOfThisBootSpokeOfStays() throws {
        defer { try? TreeRemoval.remove(directory) }
        try write("words", to: "session-b007b007-known")
        try write("words", to: "session-b007b007-lost")
        try write("", to: "session-b007b007-empty")
        try write("words", to: "session-0ld0ld00-lost")
        try write("words", to: "session-123456789abcdef")
        let kept = try logs.sweep(known: ["session-b007b007-known"])
        #expect(kept == [logs.path(of: "session-b007b007-lost")])
        #expect(try left() == ["session-b007b007-known", "session-b007b007-lost"])
        #expect(try RunLogs(directory + "/none", bootID: "b007b007").sweep(known: []) == [])
    }

    /// What a daemon's start finds of a container whose own record is lost, beside one that had not started.
    @Test func theLogOfALostContainerStays() async throws {
        defer { try? TreeRemoval.remove(directory) }
        let runtime = FakeRuntimeService()
        let runs = RunContainers(
            runtime: runtime, sandbox: { spec, uid in spec.sandbox(uid: uid, logs: "") }, logs: logs,
            threads: BlockingThreads(count: 1), time: ManualTime(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        for name in ["lost", "half"] {
            var spec = RunSpec(name: name, image: "busybox:1")
            spec.isDetached = true
            let uid = "session-b007b007-\(name)"
            _ = try await runtime.runPodSandbox(spec.sandbox(uid: uid, logs: logs.path(of: uid)))
            try write(name == "lost" ? "words" : "", to: uid)
        }
        await runs.clearLost()
        #expect(runtime.sandboxes.isEmpty)
        #expect(try left() == ["session-b007b007-lost"])
    }

    @Test func removingAContainerTakesItsLogFirst() async throws {
        defer { try? TreeRemoval.remove(directory) }
        let runtime = FakeRuntimeService()
        let runs = RunContainers(
            runtime: runtime, sandbox: { spec, uid in spec.sandbox(uid: uid, logs: "") }, logs: logs,
            threads: BlockingThreads(count: 1), time: ManualTime(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        var spec = RunSpec(name: "web", image: "busybox:1")
        spec.isDetached = true
        _ = try await runtime.runPodSandbox(spec.sandbox(uid: "session-b007b007-1", logs: logs.path(of: "1")))
        try write("words", to: "session-b007b007-1")
        runtime.failNext(.removePodSandbox, with: .failed("the daemon dies here"))
        await #expect(throws: CRIError.self) { try await runs.remove("web", force: true) }
        #expect(try left().isEmpty && runtime.sandboxes.count == 1)
    }
}
