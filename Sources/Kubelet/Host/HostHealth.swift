import CRI

/// What is wrong with the machine just now. Turns observations into transitions, each told once, and into the node's conditions. Pure: times come
/// from the caller, on the monotonic clock.
package struct HostHealth: Sendable {
    private struct Present: Sendable {
        var message: String
        var since: Duration
    }

    package enum Transition: Sendable, Hashable {
        case began(HostFault, message: String)
        case ended(HostFault, message: String, after: Duration)
    }

    private var present: [HostFault: Present] = [:]

    package init() {}

    package func has(_ fault: HostFault) -> Bool { present[fault] != nil }

    /// - Parameter message: what is wrong and what helps, for the condition. A new one of a fault that is known is no transition.
    package mutating func found(_ fault: HostFault, _ message: String, at now: Duration) -> Transition? {
        let since = present[fault]?.since
        present[fault] = Present(message: message, since: since ?? now)
        return since == nil ? .began(fault, message: message) : nil
    }

    package mutating func gone(_ fault: HostFault, at now: Duration) -> Transition? {
        present.removeValue(forKey: fault).map { .ended(fault, message: $0.message, after: now - $0.since) }
    }

    /// One for each fault. Those that are false are for nodes that have said otherwise before.
    package var conditions: [RuntimeStatus.Condition] {
        HostFault.allCases.map { fault in
            guard let present = present[fault] else {
                return .init(type: fault.rawValue, isTrue: false, reason: fault.reasons.off, message: "")
            }
            return .init(
                type: fault.rawValue, isTrue: true, reason: fault.reasons.on, message: present.message)
        }
    }
}

/// How a small write to the data disk went.
package struct DiskTrial: Sendable, Hashable {
    /// The errno value; 0 for success.
    package var code: Int32
    package var duration: Duration

    package init(code: Int32, duration: Duration) {
        self.code = code
        self.duration = duration
    }

    /// A write and its sync take milliseconds; what takes longer than this holds up all that must be durable.
    package static let limit = Duration.seconds(2)
}

/// What the wall clock does beside the monotonic one. Pure.
package struct ClockOffset: Sendable {
    /// What is less is an adjustment, which clocks get all the time.
    static let threshold = Duration.seconds(1)
    /// How long a clock must not be set to count as steady.
    static let steadyAfter = Duration.seconds(60)

    private var offset: Duration
    private var lastJump: Duration?

    /// - Parameters:
    ///   - wall: since 1970.
    package init(wall: Duration, uptime: Duration) {
        offset = wall - uptime
    }

    package enum Finding: Sendable, Hashable {
        /// By how much, backwards where it is negative.
        case jumped(Duration)
        case steady
        /// It is to be looked at again after this long.
        case unsteady(Duration)
    }

    package mutating func look(wall: Duration, uptime: Duration) -> Finding {
        let jump = (wall - uptime) - offset
        offset = wall - uptime
        if jump >= Self.threshold || jump <= .zero - Self.threshold {
            lastJump = uptime
            return .jumped(jump)
        }
        guard let lastJump, uptime - lastJump < Self.steadyAfter else { return .steady }
        return .unsteady(lastJump + Self.steadyAfter - uptime)
    }
}
