import Glibc
import HTTP
import Linux
import Synchronization

/// The signals that `run` passes on to its container. Until it has started they do to this process what they always do: a fetch that hangs can be
/// interrupted, and what is made is taken back. They must be blocked in every thread, which `TerminationSignals.prepare` sees to.
package final class PassedSignals: Sendable {
    package static let numbers = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2]

    private let session = Mutex<(any WebSocketConnection)?>(nil)
    private let threads = BlockingThreads(count: 1)

    package init() {}

    /// Takes them from now on, until the session is gone. One a process.
    package func listen() async {
        while !Task.isCancelled {
            guard let number = try? await threads.run("wait for a signal", Self.next) else { return }
            guard let session = session.withLock({ $0 }) else {
                Self.deliver(number)
                continue
            }
            guard (try? await session.send(.binary(ExecMessage.signal(number)))) != nil else { return }
        }
    }

    /// Whom they are for from now on.
    func pass(to connection: any WebSocketConnection) {
        session.withLock { $0 = connection }
    }

    private static func next() throws(KernelError) -> Int32 {
        var wanted = set(numbers)
        var number: Int32 = 0
        guard sigwait(&wanted, &number) == 0 else { throw KernelError("wait for", "a signal") }
        return number
    }

    /// As if it had not been blocked: the end of this process, unless the caller had it ignored.
    private static func deliver(_ number: Int32) {
        var one = set([number])
        pthread_sigmask(SIG_UNBLOCK, &one, nil)
        raise(number)
        pthread_sigmask(SIG_BLOCK, &one, nil)
    }

    private static func set(_ numbers: [Int32]) -> sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in numbers { sigaddset(&signals, number) }
        return signals
    }
}
