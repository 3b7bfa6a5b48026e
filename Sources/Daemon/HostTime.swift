import APIMachinery
import Linux

/// The machine's own clocks, with the kernel's word when the wall clock is set.
struct HostTime: TimeSource {
    private let system = SystemTime()
    private let watch: ClockWatch

    init(events: EventThread) throws(KernelError) {
        watch = try ClockWatch(events: events)
    }

    func now() -> Timestamp { system.now() }
    func uptime() -> Duration { system.uptime() }
    func sleep(for duration: Duration) async throws { try await system.sleep(for: duration) }
    func clockChanges() -> AsyncStream<Void> { watch.changes() }
}
