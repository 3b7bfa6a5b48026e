import CKernel
import Glibc
import Launch

/// Programs of the host's, for what no library does.
package enum HostProgram {
    /// Runs one to its end, with `input` to read, none of our environment and no descriptor of ours. Blocks.
    /// - Parameter input: at most what a pipe holds, 64 KiB.
    /// - Returns: nil where it ended with 0, else what it said about it.
    /// - Throws: where it cannot be started, or has not ended by the deadline; then it is killed.
    package static func run(
        _ path: String, _ arguments: [String], input: String, deadline: Duration
    ) throws(KernelError) -> String? {
        let (source, errors) = (try Pipe(), try Pipe())
        let child = try start(path, arguments, input: source, errors: errors)
        var status: Int32 = 0
        var isLate = false
        do throws(KernelError) {
            try send(Array(input.utf8), to: source)
            isLate = try !hasEnded(ProcessHandle(processID: child), by: deadline)
        } catch {
            end(child, &status)
            throw error
        }
        if isLate {
            end(child, &status)
            throw KernelError("run", path, ETIMEDOUT)
        }
        while waitpid(child, &status, 0) < 0 {
            guard errno == EINTR else { throw KernelError("wait", path) }
        }
        guard status != 0 else { return nil }
        let words = said(errors)
        guard words.isEmpty else { return words }
        return status & 0x7f == 0 ? "exit code \(status >> 8 & 0xff)" : "signal \(status & 0x7f)"
    }

    private static func start(
        _ path: String, _ arguments: [String], input: Pipe, errors: Pipe
    ) throws(KernelError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        var (none, all) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        var child: pid_t = 0
        let code = try input.readEnd.withRaw { reading throws(KernelError) in
            try errors.writeEnd.withRaw { writing throws(KernelError) in
                posix_spawn_file_actions_adddup2(&actions, reading, 0)
                posix_spawn_file_actions_adddup2(&actions, writing, 2)
                ck_spawn_closing(&actions, 3)
                let words = copies([path] + arguments)
                let environment = copies(["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"])
                defer { for text in words + environment { free(text) } }
                return posix_spawn(&child, path, &actions, &attributes, words, environment)
            }
        }
        guard code == 0 else { throw KernelError("run", path, code) }
        return child
    }

    private static func copies(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
        texts.map { strdup($0) } + [nil]
    }

    /// Writes it all, which the pipe holds, and closes the end.
    private static func send(_ bytes: [UInt8], to pipe: Pipe) throws(KernelError) {
        defer { pipe.writeEnd.close() }
        let count = try pipe.writeEnd.withRaw { raw throws(KernelError) in
            _ = fcntl(raw, F_SETFL, O_NONBLOCK)
            return write(raw, bytes, bytes.count)
        }
        guard count == bytes.count else { throw KernelError("write", "pipe", count < 0 ? errno : EMSGSIZE) }
    }

    private static func hasEnded(_ process: ProcessHandle, by deadline: Duration) throws(KernelError) -> Bool {
        try process.descriptor.withRaw { raw throws(KernelError) in
            var event = pollfd(fd: raw, events: Int16(POLLIN), revents: 0)
            let limit = Int32(clamping: deadline.components.seconds * 1_000)
            let end = ContinuousClock.now + deadline
            while ContinuousClock.now < end {
                let ready = poll(&event, 1, limit)
                if ready > 0 { return true }
                guard ready == 0 || errno == EINTR else { throw KernelError("poll", "process") }
            }
            return false
        }
    }

    private static func end(_ child: pid_t, _ status: inout Int32) {
        kill(child, SIGKILL)
        while waitpid(child, &status, 0) < 0 && errno == EINTR {}
    }

    private static func said(_ errors: Pipe) -> String {
        var buffer = [UInt8](repeating: 0, count: 2_048)
        let count = try? errors.readEnd.withRaw { raw throws(KernelError) in
            _ = fcntl(raw, F_SETFL, O_NONBLOCK)
            return read(raw, &buffer, buffer.count)
        }
        let text = String(decoding: buffer.prefix(max(0, count ?? 0)), as: UTF8.self)
        return text.split(whereSeparator: \.isNewline).joined(separator: "; ")
    }
}
