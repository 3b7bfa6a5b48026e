import APIMachinery

/// When this node evicts pods, and how. The defaults are Kubernetes'.
package struct EvictionSettings: Sendable, Hashable {
    package static let defaultHard =
        "memory.available<100Mi,nodefs.available<10%,nodefs.inodesFree<5%,imagefs.available<15%,imagefs.inodesFree<5%"

    /// At most one hard and one soft threshold a signal.
    package private(set) var thresholds: [EvictionThreshold]
    /// How long a node stays under pressure after the last time it was seen to be.
    package var transition = Duration.seconds(300)
    /// The longest that a container may take to end where a soft threshold has its pod evicted.
    package var maximumGrace = Duration.zero
    /// The share of the images' filesystem, in a hundred, at which unused images are removed, and to which.
    package var imageHighShare: Int64 = 85
    package var imageLowShare: Int64 = 80

    /// - Parameters:
    ///   - soft: thresholds as in `hard`, each of which needs a grace.
    ///   - graces: `memory.available=90s,nodefs.available=2m`.
    package init(
        hard: String = EvictionSettings.defaultHard, soft: String = "", graces: String = ""
    ) throws(EvictionSettingError) {
        let periods = try Self.graces(graces)
        thresholds = try EvictionThreshold.list(hard)
        for var threshold in try EvictionThreshold.list(soft) {
            guard let grace = periods[threshold.signal] else {
                throw EvictionSettingError(
                    "the soft threshold of \(threshold.signal.rawValue) needs a grace period above nothing")
            }
            threshold.grace = grace
            thresholds.append(threshold)
        }
        if let memory = thresholds.first(where: { $0.signal == .memory && $0.isHard }) {
            thresholds.append(EvictionThreshold(signal: .allocatableMemory, level: memory.level))
        }
    }

    /// What is kept from pods so that a node with full allocatable is not under pressure.
    func reserve(_ signal: EvictionSignal, of capacity: Int64) -> Int64 {
        thresholds.first { $0.signal == signal && $0.isHard }?.amount(of: capacity) ?? 0
    }

    private static func graces(_ text: String) throws(EvictionSettingError) -> [EvictionSignal: Duration] {
        var graces: [EvictionSignal: Duration] = [:]
        for entry in text.split(separator: ",") {
            let parts = entry.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, let signal = EvictionSignal(rawValue: parts[0]), signal != .allocatableMemory,
                let grace = seconds(parts[1]), grace > 0
            else {
                throw EvictionSettingError(
                    "\"\(entry)\" is no signal and its grace period, such as memory.available=90s")
            }
            graces[signal] = .seconds(grace)
        }
        return graces
    }

    /// `90s`, `5m`, `1h`, or several of them in a row; nil where it is none of that.
    package static func seconds(_ text: String) -> Int64? {
        var (total, number): (Int64, Int64?) = (0, nil)
        for character in text.utf8 {
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                number = (number ?? 0) * 10 + Int64(character - UInt8(ascii: "0"))
            case UInt8(ascii: "s"), UInt8(ascii: "m"), UInt8(ascii: "h"):
                guard let value = number else { return nil }
                total += value * (character == UInt8(ascii: "h") ? 3_600 : character == UInt8(ascii: "m") ? 60 : 1)
                number = nil
            default: return nil
            }
            guard (number ?? 0) <= 1 << 32, total <= 1 << 32 else { return nil }
        }
        return text.isEmpty || number != nil ? nil : total
    }
}

/// What is wrong with a setting, for the operator.
package struct EvictionSettingError: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
