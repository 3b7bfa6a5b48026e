import KubernetesAPI

/// What the node is short of.
struct EvictionNeed: Sendable, Hashable {
    var threshold: EvictionThreshold
    var reading: SignalReading
    var hasImageFilesystem = false
}

/// A pod to be evicted.
struct Eviction: Sendable, Hashable {
    var uid: String
    /// `namespace/name`.
    var name: String
    var termination: PodTermination
}

/// What reaches the machine.
enum EvictionEvent: Sendable {
    /// - Parameter hasStorageLimits: some pod here has a limit for what it stores.
    case looked(EvictionSignals, hasStorageLimits: Bool)
    /// What nobody needs has been removed; the signals since.
    case reclaimed(EvictionSignals)
    case measured([PodUsage])
    /// The pods named last have ended, or did not in time.
    case evicted
}

/// What the machine wants done. Each step ends with what gives the next event.
enum EvictionAction: Sendable, Hashable {
    /// The node's conditions have turned to these.
    case turn(Set<NodePressure>)
    /// Tells that this resource is about to be freed.
    case announce(resource: String)
    /// Something was needed, and no pod could be evicted for it.
    case giveUp(resource: String)

    /// Remove dead containers and unused images.
    case reclaim
    /// - Parameter files: also what pods store, which takes time.
    case measure(files: Bool)
    case evict([Eviction])
    case rest(Duration)
}

/// Decides when the node is short of something and which pod goes for it: one after the other, as long as that is so. Pure.
///
///     look -> (limits: measure) -> short? -> (disk: reclaim, look) -> measure -> evict -> look
struct EvictionMachine: Sendable {
    /// Between two looks; a pressure alarm of the kernel cuts it short.
    static let period = Duration.seconds(10)
    /// After an eviction, so that what the pod held is seen to be free.
    static let pause = Duration.seconds(1)
    /// Of a pod that is evicted at once.
    static let hardGrace = Duration.seconds(1)

    private enum Stage: Sendable, Hashable {
        case checkingLimits(EvictionNeed?)
        case reclaiming(EvictionNeed)
        case choosing(EvictionNeed)
        case idle
    }

    let settings: EvictionSettings
    private(set) var pressures: Set<NodePressure> = []
    private var stage = Stage.idle
    private var metSince: [EvictionThreshold: Duration] = [:]
    private var lastUnder: [NodePressure: Duration] = [:]
    /// Evicted ones that have not ended in time: others are looked for.
    private var leaving: Set<String> = []

    init(_ settings: EvictionSettings) {
        self.settings = settings
    }

    mutating func step(_ event: EvictionEvent, at now: Duration) -> [EvictionAction] {
        switch (event, stage) {
        case (.looked(let signals, let hasStorageLimits), _):
            let turned = note(signals, at: now)
            let need = mostUrgent(signals, at: now)
            guard hasStorageLimits else { return turned + begin(need) }
            stage = .checkingLimits(need)
            return turned + [.measure(files: true)]
        case (.measured(let pods), .checkingLimits(let need)):
            leaving.formIntersection(pods.map(\.pod.metadata.uid))
            let evictions = pods.filter { !$0.pod.isCritical && !leaving.contains($0.pod.metadata.uid) }
                .compactMap { pod in
                    StorageLimits.violation(pod).map { eviction(of: pod.pod, $0, grace: Self.hardGrace) }
                }
            return evictions.isEmpty ? begin(need) : evict(evictions)
        case (.reclaimed(let signals), .reclaiming(let need)):
            guard settings.thresholds.contains(where: { signals.readings[$0.signal].map($0.isMet) ?? false }) else {
                return rest(Self.period)
            }
            return choose(refreshed(need, signals))
        case (.measured(let pods), .choosing(let need)):
            return evictOne(of: pods, for: need)
        case (.evicted, _):
            return rest(Self.pause)
        case (.reclaimed, _), (.measured, _):
            return rest(Self.period)
        }
    }

    // MARK: - Conditions

    /// Takes in the signals: which thresholds are met since when, and so the conditions. One that was true stays so for the transition period.
    private mutating func note(_ signals: EvictionSignals, at now: Duration) -> [EvictionAction] {
        for threshold in settings.thresholds {
            guard let reading = signals.readings[threshold.signal], threshold.isMet(reading) else {
                metSince[threshold] = nil
                continue
            }
            metSince[threshold] = metSince[threshold] ?? now
            lastUnder[threshold.signal.pressure] = now
        }
        let current = Set(lastUnder.filter { now - $0.value < settings.transition || $0.value == now }.keys)
        guard current != pressures else { return [] }
        pressures = current
        return [.turn(current)]
    }

    /// Memory before all else; a threshold whose grace is not over does not count.
    private func mostUrgent(_ signals: EvictionSignals, at now: Duration) -> EvictionNeed? {
        let due = settings.thresholds.filter { threshold in
            metSince[threshold].map { now - $0 >= threshold.grace } ?? false
        }
        guard let threshold = due.first(where: { $0.signal.pressure == .memory }) ?? due.first,
            let reading = signals.readings[threshold.signal]
        else { return nil }
        return EvictionNeed(
            threshold: threshold, reading: reading, hasImageFilesystem: signals.hasImageFilesystem)
    }

    // MARK: - Evictions

    private mutating func begin(_ need: EvictionNeed?) -> [EvictionAction] {
        guard let need else { return rest(Self.period) }
        let announcement = EvictionAction.announce(resource: need.threshold.signal.resource)
        guard need.threshold.signal.pressure == .disk else { return [announcement] + choose(need) }
        stage = .reclaiming(need)
        return [announcement, .reclaim]
    }

    private mutating func choose(_ need: EvictionNeed) -> [EvictionAction] {
        stage = .choosing(need)
        return [.measure(files: need.threshold.signal.pressure == .disk)]
    }

    private func refreshed(_ need: EvictionNeed, _ signals: EvictionSignals) -> EvictionNeed {
        var need = need
        need.reading = signals.readings[need.threshold.signal] ?? need.reading
        return need
    }

    private mutating func evictOne(of pods: [PodUsage], for need: EvictionNeed) -> [EvictionAction] {
        let signal = need.threshold.signal
        leaving.formIntersection(pods.map(\.pod.metadata.uid))
        let ranked = EvictionRank.order(pods, for: signal, hasImageFilesystem: need.hasImageFilesystem)
        guard let first = ranked.first(where: { !leaving.contains($0.pod.metadata.uid) }) else {
            return [.giveUp(resource: signal.resource)] + rest(Self.period)
        }
        let grace = need.threshold.isHard ? Self.hardGrace : settings.maximumGrace
        return evict([eviction(of: first.pod, EvictionMessage.text(need, first), grace: grace)])
    }

    private func eviction(of pod: Pod, _ message: String, grace: Duration) -> Eviction {
        Eviction(
            uid: pod.metadata.uid, name: "\(pod.metadata.namespace)/\(pod.metadata.name)",
            termination: .eviction(message, grace: grace))
    }

    private mutating func evict(_ evictions: [Eviction]) -> [EvictionAction] {
        leaving.formUnion(evictions.map(\.uid))
        return [.evict(evictions)]
    }

    private mutating func rest(_ duration: Duration) -> [EvictionAction] {
        stage = .idle
        return [.rest(duration)]
    }
}
