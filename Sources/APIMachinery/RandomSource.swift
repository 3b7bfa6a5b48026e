import Synchronization

/// Where a component gets its randomness from; the seed replays it. Not for secrets.
package final class RandomSource: Sendable {
    /// nil: each number comes from the system.
    private let state: Mutex<UInt64?>

    package init(seed: UInt64) {
        state = Mutex(seed)
    }

    /// The system's own.
    package init() {
        state = Mutex(nil)
    }

    /// SplitMix64 where there is a seed.
    package func next() -> UInt64 {
        state.withLock { state in
            guard var next = state else {
                var system = SystemRandomNumberGenerator()
                return system.next()
            }
            next &+= 0x9E37_79B9_7F4A_7C15
            state = next
            var mixed = next
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    /// One of the range's numbers.
    package func number(in range: ClosedRange<Int64>) -> Int64 {
        let source = next()
        let width = UInt64(bitPattern: range.upperBound &- range.lowerBound)
        guard width < .max else { return Int64(bitPattern: source) }
        return range.lowerBound &+ Int64(bitPattern: source % (width + 1))
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
