import APIMachinery

extension PodSpec {
    /// What the pod as a whole sets aside: the larger of what its containers need together and what any init container needs while it
    /// runs (sidecars started before count in both), the pod's own requests where it has some, and its overhead. As KEP-753 and KEP-2837.
    package var totalRequests: [String: Quantity] {
        total(of: \.requests, ownTotal: self.resources?.requests ?? [:]).adding(self.overhead)
    }

    /// Like `totalRequests`, for limits. A container without a limit does not make the total unlimited: see the containers for that.
    package var totalLimits: [String: Quantity] {
        let limits = total(of: \.limits, ownTotal: self.resources?.limits ?? [:])
        return limits.adding(self.overhead.filter { limits[$0.key] != nil })
    }

    /// Like `totalRequests`, of the containers alone.
    package var containerRequests: [String: Quantity] { total(of: \.requests, ownTotal: [:]) }

    private func total(
        of amounts: KeyPath<ContainerAmounts, [String: Quantity]>, ownTotal: [String: Quantity]
    ) -> [String: Quantity] {
        var running: [String: Quantity] = [:]
        for container in self.containers {
            running.add(ContainerAmounts(container)[keyPath: amounts])
        }
        var sidecars: [String: Quantity] = [:]
        var peak: [String: Quantity] = [:]
        for container in self.initContainers {
            let needed = ContainerAmounts(container)[keyPath: amounts]
            if container.restartPolicy == "Always" {
                sidecars.add(needed)
                peak.raise(to: sidecars)
            } else {
                peak.raise(to: sidecars.adding(needed))
            }
        }
        running.add(sidecars)
        running.raise(to: peak)
        running.merge(ownTotal) { _, own in own }
        return running
    }
}

/// Requests and limits of a container as plain values.
private struct ContainerAmounts {
    let requests: [String: Quantity]
    let limits: [String: Quantity]

    init(_ container: Container) {
        let resources = container.resources
        requests = resources?.requests ?? [:]
        limits = resources?.limits ?? [:]
    }
}

extension [String: Quantity] {
    package mutating func add(_ other: [String: Quantity]) {
        for (name, amount) in other { self[name] = (self[name] ?? .zero) + amount }
    }

    package func adding(_ other: [String: Quantity]) -> [String: Quantity] {
        var sum = self
        sum.add(other)
        return sum
    }

    /// Takes over every amount of `other` that is larger.
    package mutating func raise(to other: [String: Quantity]) {
        merge(other) { Swift.max($0, $1) }
    }
}
