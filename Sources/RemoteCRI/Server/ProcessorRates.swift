import Synchronization

/// How many thousand-millionths of a processor each container and pod uses: what it has used since it was asked for last, at most once a second. The first answer is
/// the mean since its start. What nobody has asked for in ten minutes is forgotten.
final class ProcessorRates: Sendable {
    private struct Sample {
        var used: UInt64
        var time: Int64
        var rate: UInt64?
    }

    private static let shortest: Int64 = 1_000_000_000
    private static let longest: Int64 = 600_000_000_000
    private let samples = Mutex<[String: Sample]>([:])

    /// - Parameters:
    ///   - used: nanoseconds of processor time so far.
    ///   - start: when it began.
    ///   - now: nanoseconds since the Unix epoch, as `start`.
    func rate(of id: String, used: UInt64?, since start: Int64, now: Int64) -> UInt64? {
        guard let used else { return nil }
        return samples.withLock { samples in
            let last = samples[id] ?? Sample(used: 0, time: start, rate: nil)
            // A clock that was set, or a container that began anew under the same id, is as good as a first answer.
            guard now > last.time, used >= last.used, now - last.time <= Self.longest || last.rate == nil else {
                samples[id] = Sample(used: used, time: now, rate: last.rate)
                return last.rate
            }
            if now - last.time < Self.shortest, let rate = last.rate { return rate }
            let rate = UInt64(Double(used - last.used) / Double(now - last.time) * 1_000_000_000)
            samples[id] = Sample(used: used, time: now, rate: rate)
            if samples.count > 1_000 { samples = samples.filter { now - $0.value.time <= Self.longest } }
            return rate
        }
    }
}
