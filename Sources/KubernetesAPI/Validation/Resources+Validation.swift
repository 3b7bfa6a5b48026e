import APIMachinery
import JSONTree

extension ResourceRequirements {
    func faults(at path: String) -> [FieldError] {
        let limits = self.limits
        let requests = self.requests
        var faults: [FieldError] = []
        for (name, limit) in limits.sorted(by: { $0.key < $1.key }) {
            faults += Self.faults(name, limit, at: "\(path).limits[\(name)]")
            if ContainerResource.isOvercommitForbidden(name), requests[name].map({ $0 != limit }) ?? false {
                let value = JSONValue.string(requests[name]?.description ?? "")
                faults.append(.invalid("\(path).requests", value, "must be equal to \(name) limit of \(limit)"))
            }
        }
        for (name, request) in requests.sorted(by: { $0.key < $1.key }) {
            faults += Self.faults(name, request, at: "\(path).requests[\(name)]")
            if let limit = limits[name], request > limit, !ContainerResource.isOvercommitForbidden(name) {
                faults.append(
                    .invalid(
                        "\(path).requests", .string(request.description),
                        "must be less than or equal to \(name) limit of \(limit)"))
            } else if limits[name] == nil, ContainerResource.isOvercommitForbidden(name) {
                faults.append(.required("\(path).limits", "Limit must be set for non overcommitable resources"))
            }
        }
        return faults
    }

    private static func faults(_ name: String, _ amount: Quantity, at path: String) -> [FieldError] {
        var faults: [FieldError] = []
        if !ContainerResource.isKnown(name) {
            faults.append(.invalid(path, .string(name), "must be a standard resource for containers"))
        }
        if amount < .zero {
            faults.append(.invalid(path, .string(amount.description), "must be greater than or equal to 0"))
        }
        if ContainerResource.isOvercommitForbidden(name), amount.nanos % 1_000_000_000 != 0 {
            faults.append(.invalid(path, .string(amount.description), "must be an integer"))
        }
        return faults
    }
}

/// Names of resources that containers ask for.
package enum ContainerResource {
    /// Known to Kubernetes itself, or with the prefix of whoever provides it.
    package static func isKnown(_ name: String) -> Bool {
        ["cpu", "memory", "ephemeral-storage"].contains(name) || isHugePages(name) || isExtended(name)
    }

    /// Provided by someone else, as devices are: `vendor.example/gpu`.
    package static func isExtended(_ name: String) -> Bool {
        guard let slash = name.firstIndex(of: "/") else { return false }
        return !name[..<slash].hasSuffix("kubernetes.io") && !name.hasPrefix("requests.")
    }

    package static func isHugePages(_ name: String) -> Bool {
        name.hasPrefix("hugepages-")
    }

    /// What is set aside is also the most that may be used.
    package static func isOvercommitForbidden(_ name: String) -> Bool {
        isHugePages(name) || isExtended(name)
    }
}
