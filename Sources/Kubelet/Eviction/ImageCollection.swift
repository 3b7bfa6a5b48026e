import CRI

/// Which images nobody uses, and since when. Pure; one entry an image.
struct ImageCollection: Sendable {
    /// An image that came just now may be about to be used.
    static let minimumAge = Duration.seconds(120)

    private struct Sight: Sendable {
        var first: Duration
        var lastUsed: Duration?
    }

    private var sights: [String: Sight] = [:]

    /// Takes in what there is, and which images are used now, by their ids.
    mutating func note(_ images: [Image], used: Set<String>, at now: Duration) {
        var seen: [String: Sight] = [:]
        for image in images {
            var sight = sights[image.id] ?? Sight(first: now)
            if used.contains(image.id) { sight.lastUsed = now }
            seen[image.id] = sight
        }
        sights = seen
    }

    /// Those that may be removed, the first to go first: what was not used for the longest time.
    func unused(_ images: [Image], used: Set<String>, at now: Duration) -> [Image] {
        let candidates = images.compactMap { image -> (Image, Sight)? in
            guard !image.isPinned, !used.contains(image.id), let sight = sights[image.id],
                now - sight.first >= Self.minimumAge
            else { return nil }
            return (image, sight)
        }
        return candidates.sorted {
            ($0.1.lastUsed ?? .zero, $0.1.first, $0.0.id) < ($1.1.lastUsed ?? .zero, $1.1.first, $1.0.id)
        }.map(\.0)
    }

    /// How many bytes must be freed of a filesystem that is filled to `high` in a hundred or more, so that it is filled to `low`; nil where it is not.
    static func excess(_ reading: SignalReading, high: Int64, low: Int64) -> Int64? {
        guard reading.capacity > 0 else { return nil }
        let free = Int128(reading.available) * 100 / Int128(reading.capacity)
        guard 100 - free >= Int128(high) else { return nil }
        return Int64(clamping: Int128(reading.capacity) * Int128(100 - low) / 100 - Int128(reading.available))
    }
}

/// Containers that have ended and that nobody needs any more. Pure.
enum DeadContainers {
    /// All of pods that have ended for good, and of the others those that a later run has replaced.
    static func list(_ containers: [ContainerStatus], finished: Set<String>, known: Set<String>) -> [ContainerStatus] {
        var newest: [String: UInt32] = [:]
        for container in containers {
            newest[container.key] = max(newest[container.key] ?? 0, container.metadata.attempt)
        }
        return containers.filter { container in
            guard container.state == .exited, let pod = container.labels[ContainerLabel.podUID], known.contains(pod)
            else { return false }
            return finished.contains(pod) || container.metadata.attempt < newest[container.key] ?? 0
        }
    }
}

extension ContainerStatus {
    fileprivate var key: String { "\(labels[ContainerLabel.podUID] ?? "") \(metadata.name)" }
}
