import CKernel
import Synchronization

/// One thread that waits on many descriptors by epoll and calls handlers.
///
/// Handlers run on this thread, one at a time: they must be short and never block. Bound: the process's descriptors.
package final class EventThread: Sendable {
    package enum Interest: Sendable {
        case read, write
        /// What the kernel reports by EPOLLPRI: a pressure trigger that fired, a cgroup's file that changed.
        case priority
    }

    /// Names one registration.
    package struct Token: Sendable, Hashable {
        let number: UInt64
        let raw: Int32
        let once: Bool
    }

    private struct Entry {
        let handler: @Sendable () -> Void
        let once: Bool
    }

    private struct State {
        var entries: [UInt64: Entry] = [:]
        var last: UInt64 = 0
    }

    private let poll: Int32
    private let state = Mutex(State())

    /// Starts the thread. It lives as long as the process.
    package init() throws(KernelError) {
        poll = ck_epoll_create()
        guard poll >= 0 else { throw KernelError("epoll_create", "events", -poll) }
        NativeThread.start { [self] in serve() }
    }

    /// Calls `handler` when `raw` is ready (or broken): once, or as long as it stays ready.
    ///
    /// The descriptor must stay open until `remove`. One registration a descriptor at a time.
    package func watch(
        _ raw: Int32, for interest: Interest, once: Bool = false, _ handler: @escaping @Sendable () -> Void
    ) throws(KernelError) -> Token {
        let number = state.withLock { state in
            state.last += 1
            state.entries[state.last] = Entry(handler: handler, once: once)
            return state.last
        }
        let what = UInt32(interest.flag | (once ? CK_ONCE : 0))
        let code = ck_epoll_watch(poll, raw, what, number)
        guard code == 0 else {
            _ = state.withLock { $0.entries.removeValue(forKey: number) }
            throw KernelError("epoll_ctl", "descriptor \(raw)", -code)
        }
        return Token(number: number, raw: raw, once: once)
    }

    /// Ends a registration. Returns false where the handler of a one-time registration has been taken already; a call
    /// under way on the thread may still finish after this.
    @discardableResult
    package func remove(_ token: Token) -> Bool {
        let known = state.withLock { $0.entries.removeValue(forKey: token.number) != nil }
        if known && !token.once { ck_epoll_forget(poll, token.raw) }
        return known
    }

    private func serve() {
        var tokens = [UInt64](repeating: 0, count: 64)
        while true {
            let count = ck_epoll_wait(poll, &tokens, Int32(tokens.count))
            guard count > 0 else { continue }
            for token in tokens.prefix(Int(count)) { deliver(token) }
        }
    }

    private func deliver(_ number: UInt64) {
        let handler = state.withLock { state -> (@Sendable () -> Void)? in
            guard let entry = state.entries[number] else { return nil }
            if entry.once { state.entries.removeValue(forKey: number) }
            return entry.handler
        }
        handler?()
    }
}

extension EventThread.Interest {
    fileprivate var flag: Int {
        switch self {
        case .read: CK_READABLE
        case .write: CK_WRITABLE
        case .priority: CK_PRIORITY
        }
    }
}
