import APIMachinery

/// The level of a signal beneath which the node frees something.
package struct EvictionThreshold: Sendable, Hashable {
    enum Level: Sendable, Hashable {
        case amount(Quantity)
        /// Of the capacity, in millionths.
        case share(Int64)
    }

    let signal: EvictionSignal
    let level: Level
    /// How long the signal must have been beneath before pods are evicted; zero for a hard threshold.
    var grace = Duration.zero

    var isHard: Bool { grace == .zero }

    /// In the signal's unit.
    func amount(of capacity: Int64) -> Int64 {
        switch level {
        case .amount(let amount): amount.value
        case .share(let millionths): Int64(clamping: Int128(capacity) * Int128(millionths) / 1_000_000)
        }
    }

    func isMet(_ reading: SignalReading) -> Bool {
        reading.available < amount(of: reading.capacity)
    }
}

extension EvictionThreshold {
    /// Reads upstream's form: `memory.available<100Mi,nodefs.available<10%`. A level of nothing sets no threshold.
    static func list(_ text: String) throws(EvictionSettingError) -> [EvictionThreshold] {
        var found: [EvictionThreshold] = []
        for entry in text.split(separator: ",") {
            let parts = entry.split(separator: "<", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                throw EvictionSettingError("\"\(entry)\" is no signal and its level, such as memory.available<100Mi")
            }
            guard let signal = EvictionSignal(rawValue: parts[0]), signal != .allocatableMemory else {
                throw EvictionSettingError("there is no signal \"\(parts[0])\"; there are \(names)")
            }
            guard !found.contains(where: { $0.signal == signal }) else {
                throw EvictionSettingError("\(signal.rawValue) has two levels")
            }
            guard let level = Level(parts[1]) else {
                throw EvictionSettingError(
                    "the level of \(signal.rawValue) must be an amount such as 100Mi or a share such as 10%, not \"\(parts[1])\""
                )
            }
            if !level.isNothing { found.append(EvictionThreshold(signal: signal, level: level)) }
        }
        return found
    }

    static var names: String {
        EvictionSignal.allCases.filter { $0 != .allocatableMemory }.map(\.rawValue).joined(separator: ", ")
    }
}

extension EvictionThreshold.Level {
    init?(_ text: String) {
        if text.hasSuffix("%") {
            guard let share = Quantity(String(text.dropLast())), share >= .zero, share < 100 else { return nil }
            self = .share(Int64(clamping: share.nanos / 100_000))
        } else {
            guard let amount = Quantity(text), amount >= .zero else { return nil }
            self = .amount(amount)
        }
    }

    fileprivate var isNothing: Bool {
        switch self {
        case .amount(let amount): amount.isZero
        case .share(let millionths): millionths == 0
        }
    }
}
