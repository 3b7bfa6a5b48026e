import Glibc
import HTTP
import Linux
import Synchronization

/// A session of a container, joined to this process's standard streams. One a process: what waits on its threads (the next
/// key, the next resize) ends with the process.
struct JoinedStreams: Sendable {
    private let connection: any WebSocketConnection
    /// In messages.
    private let object: String
    private let hasInput: Bool
    private let hasTerminal: Bool
    /// Whether keys of its terminal end it.
    private let hasKeys: Bool
    private let input: Int32
    private let early = EarlyEnd()
    /// One waits for input, one for resizes, one writes.
    private let threads = BlockingThreads(count: 3)

    /// - Parameters:
    ///   - isLeft: by the keys that `DetachKeys` knows, where they are typed at a terminal of both.
    ///   - input: a descriptor to read from.
    init(
        _ connection: any WebSocketConnection, object: String, hasInput: Bool, hasTerminal: Bool, isLeft: Bool = false,
        input: Int32 = STDIN_FILENO
    ) {
        self.connection = connection
        self.object = object
        self.hasInput = hasInput
        self.hasTerminal = hasTerminal
        self.input = input
        hasKeys = isLeft && hasTerminal && isatty(input) != 0
    }

    /// What this end has ended the session with, if it has: the caller's leave, or the failure of its input.
    private final class EarlyEnd: Sendable {
        private let state = Mutex<Result<Int32, DaemonError>?>(nil)

        var result: Result<Int32, DaemonError>? {
            get { state.withLock { $0 } }
            set { state.withLock { $0 = newValue } }
        }
    }

    /// - Parameter started: called with the container's id once the command has started, where that is told; until then nothing is taken of this process's.
    /// - Returns: the command's exit code.
    func run(started: ((String) throws(DaemonError) -> Void)? = nil) async throws(DaemonError) -> Int32 {
        if let started {
            switch try await forwardOutput() {
            case .ended(let code): return code
            case .started(let container): try started(container)
            }
        }
        return try await join()
    }

    private func join() async throws(DaemonError) -> Int32 {
        let terminal = hasTerminal && hasInput ? RawTerminal.take(input) : nil
        let output = Task { await forwardOutputToEnd() }
        let input = Task {
            if hasInput { await forwardInput() }
            // What the other side says to it may be held up as well.
            if early.result != nil { output.cancel() }
        }
        let resizes = Task { if hasTerminal { await forwardSize() } }
        defer {
            input.cancel()
            resizes.cancel()
        }
        let result = await output.value
        // The terminal is as before when a message is printed.
        _ = consume terminal
        return try result.get()
    }

    private func forwardOutputToEnd() async -> Result<Int32, DaemonError> {
        do throws(DaemonError) {
            while true {
                if case .ended(let exitCode) = try await forwardOutput() { return .success(exitCode) }
            }
        } catch {
            return .failure(error)
        }
    }

    private enum Turn {
        case started(String)
        case ended(Int32)
    }

    private func forwardOutput() async throws(DaemonError) -> Turn {
        while true {
            let message: WebSocketMessage?
            do {
                message = try await connection.receive()
            } catch {
                if let early = early.result { return .ended(try early.get()) }
                throw DaemonError("the session of \(object) broke: \(error)")
            }
            if message == nil, let early = early.result { return .ended(try early.get()) }
            guard let message else { throw DaemonError("the session of \(object) ended without an exit code") }
            guard case .binary(let bytes) = message else { continue }
            switch ExecMessage(bytes) {
            case .standardOutput(let bytes): try await write(bytes, to: STDOUT_FILENO)
            case .standardError(let bytes): try await write(bytes, to: STDERR_FILENO)
            case .started(let container): return .started(container)
            case .ended(let exitCode): return .ended(exitCode)
            case .notStarted(let message, let exitCode):
                try await write(Array("swiftlet: \(object): \(message)\n".utf8), to: STDERR_FILENO)
                return .ended(exitCode)
            case .failed(let message): throw DaemonError(message)
            case .other: continue
            }
        }
    }

    private func write(_ bytes: [UInt8], to descriptor: Int32) async throws(DaemonError) {
        try await DaemonError.wrapping("output") { () async throws(KernelError) in
            try await threads.run("write output") { () throws(KernelError) in
                try StandardStreams.write(bytes, to: descriptor)
            }
        }
    }

    /// Bytes that may be typed ahead of a container that does not take them. Beyond that no more is read, nor are keys seen.
    private static let mostAhead = 1 << 20

    private final class Ahead: Sendable {
        let bytes = Atomic(0)
    }

    private func forwardInput() async {
        var keys = DetachKeys()
        let ahead = Ahead()
        var sent = Task { true }
        while !Task.isCancelled {
            let typed: [UInt8]
            do throws(KernelError) {
                typed = try await threads.run("read input") { [input] () throws(KernelError) in
                    try StandardStreams.readInput(input)
                }
            } catch {
                // Not its end: what takes it would go on with a part as with the whole.
                if !Task.isCancelled { early.result = .failure(DaemonError("\(object): \(error)")) }
                return
            }
            guard !typed.isEmpty else { break }
            let bytes = hasKeys ? keys.passed(typed) : typed
            if keys.areComplete {
                early.result = .success(0)
                return
            }
            if bytes.isEmpty { continue }
            ahead.bytes.add(bytes.count, ordering: .relaxed)
            sent = Task { [sent] in
                guard await sent.value,
                    (try? await connection.send(.binary(ExecMessage.standardInput(bytes)))) != nil
                else { return false }
                ahead.bytes.subtract(bytes.count, ordering: .relaxed)
                return true
            }
            // Only keys are looked for meanwhile.
            guard !hasKeys || ahead.bytes.load(ordering: .relaxed) > Self.mostAhead else { continue }
            guard await sent.value else { return }
        }
        if await sent.value { try? await connection.send(.binary(ExecMessage.endOfInput)) }
    }

    private func forwardSize() async {
        while !Task.isCancelled {
            if let size = RawTerminal.size(of: STDOUT_FILENO) {
                let message = ExecMessage.resize(columns: size.columns, rows: size.rows)
                guard (try? await connection.send(.binary(message))) != nil else { return }
            }
            let waited: Void? = try? await threads.run("wait for resize") { () throws(KernelError) in
                RawTerminal.waitForResize()
            }
            if waited == nil { return }
        }
    }
}

/// This process's own streams. Every call blocks.
package enum StandardStreams {
    /// To be called before a file is opened, which would get the number of a stream that is closed: reading and writing there is to fail all the same.
    package static func holdClosed() {
        for number in STDIN_FILENO...STDERR_FILENO where fcntl(number, F_GETFD) < 0 {
            _ = open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    /// Empty at the end.
    static func readInput(_ descriptor: Int32 = STDIN_FILENO) throws(KernelError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 32 << 10)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0 && mayGoOn(descriptor, POLLIN) { continue }
            guard count >= 0 else { throw KernelError("read", "standard input") }
            return Array(buffer[..<count])
        }
    }

    /// Whether a call that has failed is to be made again. Others who have the same stream may have made it non-blocking: then it waits here.
    private static func mayGoOn(_ descriptor: Int32, _ events: Int32) -> Bool {
        guard errno == EAGAIN else { return errno == EINTR }
        var wanted = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        return poll(&wanted, 1, -1) >= 0 || errno == EINTR
    }

    package static func write(_ bytes: [UInt8], to descriptor: Int32) throws(KernelError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && mayGoOn(descriptor, POLLOUT) { continue }
            guard count > 0 else { throw KernelError("write", descriptor == STDOUT_FILENO ? "output" : "errors") }
            rest = rest.dropFirst(count)
        }
    }
}
