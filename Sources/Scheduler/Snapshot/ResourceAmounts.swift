import APIMachinery
import KubernetesAPI

/// Amounts of the resources that placement counts, as plain integers.
package struct ResourceAmounts: Sendable, Hashable {
    /// Thousandths of a processor.
    package var milliCPU: Int64 = 0
    /// Bytes.
    package var memory: Int64 = 0
    /// Bytes.
    package var ephemeralStorage: Int64 = 0
    /// Huge pages and what others provide, by name; empty for most pods.
    package var others: [String: Int64] = [:]

    package init() {}

    /// The resource `pods` is counted apart: see `NodeInfo.podLimit`.
    package init(_ quantities: [String: Quantity]) {
        for (name, quantity) in quantities {
            switch name {
            case "cpu": milliCPU = max(0, quantity.milliValue)
            case "memory": memory = max(0, quantity.value)
            case "ephemeral-storage": ephemeralStorage = max(0, quantity.value)
            case "pods": break
            default: others[name] = max(0, quantity.value)
            }
        }
    }

    package static func += (left: inout ResourceAmounts, right: ResourceAmounts) {
        left.milliCPU = left.milliCPU.plus(right.milliCPU)
        left.memory = left.memory.plus(right.memory)
        left.ephemeralStorage = left.ephemeralStorage.plus(right.ephemeralStorage)
        for (name, amount) in right.others { left.others[name] = (left.others[name] ?? 0).plus(amount) }
    }

    package static func -= (left: inout ResourceAmounts, right: ResourceAmounts) {
        left.milliCPU = left.milliCPU.minus(right.milliCPU)
        left.memory = left.memory.minus(right.memory)
        left.ephemeralStorage = left.ephemeralStorage.minus(right.ephemeralStorage)
        for (name, amount) in right.others { left.others[name] = (left.others[name] ?? 0).minus(amount) }
    }
}

extension Int64 {
    /// Held at the limits instead of overflowing: amounts come from users.
    func plus(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other > 0 ? .max : .min) : sum
    }

    func minus(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other > 0 ? .min : .max) : difference
    }
}
