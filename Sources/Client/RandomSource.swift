import Synchronization

/// Where a component gets its randomness from; the seed replays it. Not for secrets.
package final class RandomSource: Sendable {
    private let state: Mutex<UInt64>

    package init(seed: UInt64) {
        state = Mutex(seed)
    }

    /// Seeded by the system.
    package convenience init() {
        self.init(seed: UInt64.random(in: 0...UInt64.max))
    }

    /// SplitMix64.
    package func next() -> UInt64 {
        state.withLock { state in
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    /// 0 ..< 1.
    package func fraction() -> Double {
        Double(next() >> 11) / Double(1 << 53)
    }

    /// `duration`, made up to `share` of itself longer.
    package func jittered(_ duration: Duration, by share: Double) -> Duration {
        duration + duration * (share * fraction())
    }
}
