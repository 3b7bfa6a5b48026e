import Glibc
import Linux

/// SIGTERM and SIGINT as an asynchronous wait. Made before any other thread, so that no thread takes them by default.
package struct TerminationSignals: Sendable {
    private let stream: DescriptorStream

    /// Blocks the two signals in this thread and in those it starts from now on.
    package init(events: EventThread) throws(DaemonError) {
        Self.block()
        stream = try DaemonError.wrapping("signals") { () throws(KernelError) in
            DescriptorStream(try Descriptor.terminationSignals(), events: events)
        }
    }

    /// To be called first of all by the executable, so that all threads inherit what it blocks: the daemon's signals for the daemon, SIGWINCH
    /// for whoever waits for a terminal's new size, and what `run` passes on.
    package static func prepare(command: String) {
        if InstanceFiles.Role(rawValue: command) != nil { block() }
        var mask = sigset_t()
        sigemptyset(&mask)
        sigaddset(&mask, SIGWINCH)
        if command == "run" { for signal in PassedSignals.numbers { sigaddset(&mask, signal) } }
        pthread_sigmask(SIG_BLOCK, &mask, nil)
    }

    /// Blocks SIGTERM and SIGINT, and ignores SIGPIPE: what a peer that went away raises is an error code here.
    package static func block() {
        var mask = sigset_t()
        sigemptyset(&mask)
        sigaddset(&mask, SIGTERM)
        sigaddset(&mask, SIGINT)
        pthread_sigmask(SIG_BLOCK, &mask, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Returns when one of them has come; false where the task was cancelled before.
    @discardableResult package func wait() async -> Bool {
        (try? await stream.read(upTo: Descriptor.signalRecordBytes)) != nil
    }
}
