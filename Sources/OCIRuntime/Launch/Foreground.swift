import CLaunch
import Glibc
import Launch

/// Stays with a process until it ends: passes signals on, and its terminal to ours.
struct Foreground {
    private static let chunk = 16 << 10
    let handle: Int32
    /// The master of its terminal, -1 without.
    let terminal: Int32
    let signals: Int32

    /// Blocks this process's signals, to be passed on; call it before the process is there, so that none is lost.
    static func takeSignals() throws(OCIRuntimeError) -> Descriptor {
        let signals = crt_signals()
        guard signals >= 0 else { throw .kernel(KernelError("signalfd", "signals", -signals)) }
        return Descriptor(owning: signals)
    }

    /// The exit code, or 128 and the signal's number.
    func attend() throws(OCIRuntimeError) -> Int32 {
        var saved = [UInt8](repeating: 0, count: Int(CRT_TERMINAL_BYTES))
        let isRaw = terminal >= 0 && crt_raw(0, &saved) == 0
        defer { if isRaw { crt_cooked(0, saved) } }
        if terminal >= 0 { crt_copy_size(0, terminal) }
        var events = [
            pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
            pollfd(fd: handle, events: Int16(POLLIN), revents: 0),
            pollfd(fd: terminal, events: Int16(POLLIN), revents: 0),
            pollfd(fd: terminal >= 0 ? 0 : -1, events: Int16(POLLIN), revents: 0),
        ]
        var input = EndOfInput(terminal: terminal)
        while true {
            let count = poll(&events, 4, input.patience)
            guard count >= 0 || errno == EINTR else { throw .kernel(KernelError("wait for", "the process")) }
            if count == 0 { input.tellAgain() }
            if events[0].revents != 0 { passSignals() }
            // What it wrote last comes before its end.
            if events[2].revents != 0 {
                if copy(from: terminal, to: 1) { input.isAnswered() } else { events[2].fd = -1 }
            }
            if events[3].revents != 0 && !copy(from: 0, to: terminal) {
                events[3].fd = -1
                input.tell()
            }
            if events[1].revents != 0 && (events[2].fd < 0 || events[2].revents == 0) { return try exitCode() }
        }
    }

    private func passSignals() {
        while case let number = crt_next_signal(signals), number != 0 {
            if number == SIGWINCH {
                if terminal >= 0 { crt_copy_size(0, terminal) }
            } else if number != SIGCHLD && number != SIGPIPE && number != SIGURG {
                cs_pidfd_signal(handle, number)
            }
        }
    }

    private func copy(from source: Int32, to target: Int32) -> Bool {
        var bytes = [UInt8](repeating: 0, count: Foreground.chunk)
        let count = read(source, &bytes, bytes.count)
        if count < 0 && (errno == EINTR || errno == EAGAIN) { return true }
        guard count > 0 else { return false }
        var done = 0
        while done < count {
            let start = done
            let wrote = bytes.withUnsafeBytes { buffer in
                let rest = UnsafeRawBufferPointer(rebasing: buffer[start..<count])
                return write(target, rest.baseAddress, rest.count)
            }
            if wrote <= 0 && errno != EINTR { return false }
            done += max(0, wrote)
        }
        return true
    }

    private func exitCode() throws(OCIRuntimeError) -> Int32 {
        var code: Int32 = 0
        var value: Int32 = 0
        let got = cl_await_end(handle, &code, &value)
        guard got == 1 else { throw .kernel(KernelError("collect", "the process", -got)) }
        return code == CLD_EXITED ? value : 128 + value
    }
}

/// A terminal has no end: its reader is told as by whoever types ctrl-D.
private struct EndOfInput {
    let terminal: Int32
    private var isTold = false
    private var isDue = false
    /// Milliseconds without output, longer each time: whoever goes on all the same is not pressed.
    private var quiet: Int32 = 100

    init(terminal: Int32) { self.terminal = terminal }

    /// How long to wait for anything else, as poll(2) takes it.
    var patience: Int32 { isDue ? quiet : -1 }

    /// Once for a line that has no end and once for the input.
    mutating func tell() {
        isTold = true
        isDue = !write([4, 4])
    }

    /// A shell that began to edit lines after it was told takes the key for nothing: it has written its prompt then, and waits.
    mutating func isAnswered() { isDue = isTold }

    mutating func tellAgain() {
        quiet = min(quiet * 2, 5_000)
        isDue = !write([4])
    }

    /// Whether there was room: nothing waits for a program that does not read.
    private func write(_ keys: [UInt8]) -> Bool {
        var room = pollfd(fd: terminal, events: Int16(POLLOUT), revents: 0)
        guard poll(&room, 1, 0) == 1, room.revents & Int16(POLLOUT) != 0 else { return false }
        return Glibc.write(terminal, keys, keys.count) > 0
    }
}
