import Glibc

/// Times of one thing, in milliseconds.
struct Samples {
    private var values: [Double] = []

    mutating func add(since start: UInt64) { values.append(Double(now() - start) / 1e6) }

    func line(_ name: String) -> String {
        let sorted = values.sorted()
        func at(_ part: Double) -> String {
            guard !sorted.isEmpty else { return "-" }
            let value = sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
            return String(Int(value)) + "." + String(Int(value * 1000) % 1000 + 1000).dropFirst()
        }
        return "\(name): min \(at(0)) median \(at(0.5)) p90 \(at(0.9)) max \(at(1)) ms (n=\(sorted.count))"
    }
}

/// Monotonic nanoseconds.
func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
