import Glibc
import Linux
import PodMonitor
import Synchronization
import TestSupport
import Testing

@testable import ContainerRuntime

/// A monitor as far as its socket goes, moved by the test.
private final class SocketMonitor {
    let directory: String
    private let listener: SharedDescriptor
    private var path: String { "\(directory)/\(MonitorConnection.socketName)" }

    init() throws {
        var template = Array(("\(temporaryDirectory)/swiftlet-monitor-" + String(repeating: "X", count: 6)).utf8CString)
        guard mkdtemp(&template) != nil else { throw KernelError("mkdtemp", temporaryDirectory) }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        listener = try MessageSocket.listen(in: directory, name: MonitorConnection.socketName)
    }

    deinit { try? TreeRemoval.remove(directory) }

    /// The next daemon's connection.
    func accept() async throws -> Int32 {
        var connection: Int32 = -1
        try await until {
            connection = try listener.withRaw { raw throws(KernelError) in Glibc.accept(raw, nil, nil) }
            return connection >= 0
        }
        return connection
    }

    /// Answers the next message with `done`, and what the greeting has besides.
    func answer(_ connection: Int32) async throws {
        try await answer(connection) {
            $0.append(protocolVersion)
            $0.append(Int32(4_242))
        }
    }

    /// Answers the next message with a status and a body.
    func answer(
        _ connection: Int32, _ status: ReplyStatus = .done, to kind: MessageKind? = nil,
        _ fill: (inout WireWriter) -> Void
    ) async throws {
        var reply = WireWriter(.reply, request: try await take(connection, kind))
        reply.append(status.rawValue)
        fill(&reply)
        _ = send(connection, reply.bytes, reply.bytes.count, 0)
    }

    /// Takes the next message, and returns its number.
    @discardableResult func take(_ connection: Int32, _ kind: MessageKind? = nil) async throws -> UInt32 {
        var bytes = [UInt8](repeating: 0, count: 4_096)
        try await until { recv(connection, &bytes, bytes.count, Int32(MSG_DONTWAIT)) >= 0 }
        if let kind { #expect(bytes[0] == UInt8(kind.rawValue)) }
        return bytes[4..<8].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    }

    func hide() { rename(path, path + ".hidden") }
    func show() { rename(path + ".hidden", path) }
    func die() { listener.close() }
}

@Suite struct MonitorConnectionTests {
    private let time = ManualTime()

    private func connection(to monitor: SocketMonitor) throws -> MonitorConnection {
        MonitorConnection(
            pod: "p", directory: monitor.directory, events: try EventThread(), program: nil, time: time)
    }

    @Test func aMonitorThatCannotBeReachedForAWhileIsReachedAgain() async throws {
        let monitor = try SocketMonitor()
        let connection = try connection(to: monitor)
        let opening = Task { try await connection.open(patience: nil) }
        let first = try await monitor.accept()
        try await monitor.answer(first)
        #expect(try await opening.value == 4_242)

        monitor.hide()
        close(first)
        await time.waitForSleepers()
        time.advance(by: .milliseconds(100))
        await time.waitForSleepers()
        let refusal = await #expect(throws: PodMonitorError.self) {
            try await connection.request(.list, operation: "list", id: "p") { _ in }
        }
        #expect(refusal == .kernel(KernelError("send", "monitor of p", ENOTCONN)))
        monitor.show()
        time.advance(by: .seconds(1))
        let second = try await monitor.accept()
        try await monitor.answer(second)
        let request = Task { try await connection.request(.list, operation: "list", id: "p") { _ in } }
        try await monitor.answer(second)
        _ = try await request.value
        connection.disconnect()
        close(second)
    }

    @Test func whatOneMessageCannotCarryIsSentAheadToAMonitorThatKnowsIt() async throws {
        let monitor = try SocketMonitor()
        let connection = try connection(to: monitor)
        let opening = Task { try await connection.open(patience: nil) }
        let socket = try await monitor.accept()
        defer { close(socket) }
        try await monitor.answer(socket)
        _ = try await opening.value
        let files = try (0..<130).map { _ in SharedDescriptor(try Descriptor.open("/dev/null", O_RDONLY)) }
        let told = Mutex((0, 0))
        let send = { @Sendable (count: Int, trees: Int) async throws(PodMonitorError) in
            return try await connection.sendAhead(
                Array(files.prefix(count)), trees: trees, of: "c"
            ) { (ahead, rest) async throws(PodMonitorError) in
                told.withLock { $0 = (ahead, rest.count) }
                return try await connection.answer(to: .create, id: "c", descriptors: rest) { _ in }
            }
        }
        let sending = Task { try await send(130, 129) }
        for kind in [MessageKind.trees, .trees, .create] { try await monitor.answer(socket, to: kind) { _ in } }
        #expect(try await sending.value.status == .done)
        #expect(told.withLock { $0 } == (128, 2))
        for (trees, most) in [(129, 63), (130, 64)] {
            let older = Task { try await send(130, trees) }
            try await monitor.answer(socket, .malformed) { _ in }
            let error = await #expect(throws: PodMonitorError.self) { try await older.value }
            #expect(
                error?.description.contains("\(trees), and a pod that an earlier version began takes \(most)") == true)
        }
        let few = Task { try await send(64, 64) }
        try await monitor.answer(socket, to: .create) { _ in }
        _ = try await few.value
        #expect(told.withLock { $0 } == (0, 64), "no word is needed")
        // What fails on its way leaves nothing there.
        let failing = Task { try await send(130, 130) }
        try await monitor.answer(socket, to: .trees) { _ in }
        try await monitor.answer(socket, .limit, to: .trees) { _ in }
        try await monitor.answer(socket, to: .trees) { _ in }
        await #expect(throws: PodMonitorError.self) { try await failing.value }
        let unsent = Task {
            try await connection.sendAhead(files, trees: 130, of: "c") { (_, _) async throws(PodMonitorError) in
                throw .limit(id: "c", of: "requests")
            }
        }
        for _ in 0..<3 { try await monitor.answer(socket, to: .trees) { _ in } }
        await #expect(throws: PodMonitorError.limit(id: "c", of: "requests")) { try await unsent.value }
        // Of what it refuses the monitor lets go by itself.
        let refused = Task { try await send(130, 130) }
        for _ in 0..<2 { try await monitor.answer(socket, to: .trees) { _ in } }
        try await monitor.answer(socket, .limit, to: .create) { _ in }
        #expect(try await refused.value.status == .limit)
        connection.disconnect()
    }

    @Test func aMonitorIsWaitedForAsLongAsItLives() async throws {
        let monitor = try SocketMonitor()
        let connection = try connection(to: monitor)
        let opening = Task { try await connection.open(patience: nil) }
        let silent = try await monitor.accept()
        time.advance(by: .seconds(3_600))
        monitor.die()
        close(silent)
        await #expect(throws: PodMonitorError.self) { try await opening.value }
        let next = try self.connection(to: monitor)
        let refusal = await #expect(throws: PodMonitorError.self) { try await next.open(patience: nil) }
        #expect(refusal?.tellsOfItsEnd == true)
    }

    @Test func patienceEndsAndSoDoesAWaitThatIsCancelled() async throws {
        let monitor = try SocketMonitor()
        let impatient = try connection(to: monitor)
        let first = Task { try await impatient.open(patience: .seconds(30)) }
        await time.waitForSleepers()
        time.advance(by: .seconds(30))
        await #expect(throws: PodMonitorError.kernel(KernelError("wait for", "monitor of p", ETIMEDOUT))) {
            try await first.value
        }
        let patient = try connection(to: monitor)
        let second = Task { try await patient.open(patience: nil) }
        second.cancel()
        await #expect(throws: PodMonitorError.monitorGone(pod: "p")) { try await second.value }
    }

    /// A client whose monitor took the request to start and cut the connection, and the call that waits.
    private func startWithoutAnswer(
        of monitor: SocketMonitor
    ) async throws -> (client: PodMonitorClient, start: Task<LaunchReport, any Error>) {
        let opening = Task { [time, directory = monitor.directory] in
            try await PodMonitorClient(
                pod: "p", directory: directory, events: try EventThread(),
                process: try ProcessHandle(processID: getpid()), program: nil, patience: nil, time: time)
        }
        let first = try await monitor.accept()
        try await monitor.answer(first)
        let client = try await opening.value
        let start = Task { try await client.start("c") }
        try await monitor.take(first)
        close(first)
        return (client, start)
    }

    @Test func aStartWhoseAnswerIsCutOffIsLookedUp() async throws {
        let monitor = try SocketMonitor()
        let (_, start) = try await startWithoutAnswer(of: monitor)
        let second = try await monitor.accept()
        try await monitor.answer(second)
        try await monitor.answer(second) {
            $0.append(UInt32(1))
            $0.append(bytes: Array("c".utf8))
            $0.append(MonitoredContainer.State.running.rawValue)
            $0.append(Int32(77))
            $0.append(UInt64(5))
            $0.append(UInt64(6))
            $0.append(UInt32(0))
        }
        #expect(
            try await start.value == LaunchReport(processID: 77, createdAt: 5, startedAt: 6, warnings: []))
        close(second)
    }

    @Test func aStartWhoseMonitorIsGoneIsLeftOpen() async throws {
        let monitor = try SocketMonitor()
        let (client, start) = try await startWithoutAnswer(of: monitor)
        let second = try await monitor.accept()
        client.disconnect()
        await #expect(throws: PodMonitorError.monitorGone(pod: "p")) { try await start.value }
        close(second)
    }
}
