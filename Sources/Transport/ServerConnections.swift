import NIOCore
import Synchronization

/// The open connections of a server, so that their number is bounded and a stop reaches all of them.
final class ServerConnections: Sendable {
    private struct State {
        var open: [ObjectIdentifier: any Channel] = [:]
        var stopping = false
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) {
        self.limit = limit
    }

    /// Counts a connection until it closes; false where there are too many or the server is stopping.
    func admit(_ channel: any Channel) -> Bool {
        let key = ObjectIdentifier(channel)
        let admitted = state.withLock { state in
            guard !state.stopping, state.open.count < limit else { return false }
            state.open[key] = channel
            return true
        }
        if admitted {
            channel.closeFuture.whenComplete { _ in self.state.withLock { _ = $0.open.removeValue(forKey: key) } }
        }
        return admitted
    }

    /// Asks every connection to end with its present requests, and admits no more.
    func quiesce() {
        for channel in stopAndList() { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
    }

    /// Returns when all are closed.
    func closed() async {
        for channel in stopAndList() { try? await channel.closeFuture.get() }
    }

    func closeAll() {
        for channel in stopAndList() { channel.close(promise: nil) }
    }

    private func stopAndList() -> [any Channel] {
        state.withLock { state in
            state.stopping = true
            return Array(state.open.values)
        }
    }
}
