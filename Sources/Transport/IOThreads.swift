import NIOCore
import NIOPosix

/// The threads that carry all sockets. Made once by the composition root and shared by servers and clients; only short, non-blocking work
/// runs on them.
package final class IOThreads: Sendable {
    package let group: MultiThreadedEventLoopGroup

    /// - Parameter count: one or two are enough: a thread moves tens of thousands of requests a second.
    package init(count: Int = 2) {
        group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, count))
    }

    /// Ends the threads, after every server and client that uses them has stopped.
    package func stop() async {
        // A group that is already shut down reports an error; there is nothing left to do then.
        try? await group.shutdownGracefully()
    }
}
