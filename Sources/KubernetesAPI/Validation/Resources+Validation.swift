import APIMachinery
import JSONTree

extension ResourceRequirements {
    func faults(at path: String) -> [FieldError] {
        let (limits, requests) = (self.limits, self.requests)
        var faults: [FieldError] = []
        for (name, limit) in limits.sorted(by: { $0.key < $1.key }) {
            faults += ContainerResource.faults(name, limit, at: "\(path).limits[\(name)]")
        }
        for (name, request) in requests.sorted(by: { $0.key < $1.key }) {
            faults += ContainerResource.faults(name, request, at: "\(path).requests[\(name)]")
            faults += Self.faults(request, of: name, within: limits[name], at: path)
        }
        let names = Set(limits.keys).union(requests.keys)
        if names.contains(where: ContainerResource.isHugePages), names.isDisjoint(with: ["cpu", "memory"]) {
            faults.append(.forbidden(path, "HugePages require cpu or memory"))
        }
        return faults
    }

    /// At most the limit; what cannot be shared, exactly the limit.
    private static func faults(
        _ request: Quantity, of name: String, within limit: Quantity?, at path: String
    ) -> [FieldError] {
        let isExact = ContainerResource.isOvercommitForbidden(name)
        let value = JSONValue.string(request.description)
        guard let limit else {
            return isExact
                ? [.required("\(path).limits", "Limit must be set for non overcommitable resources")] : []
        }
        if isExact, request != limit {
            return [.invalid("\(path).requests", value, "must be equal to \(name) limit of \(limit)")]
        }
        guard request > limit else { return [] }
        return [.invalid("\(path).requests", value, "must be less than or equal to \(name) limit of \(limit)")]
    }
}

/// Names of resources that containers ask for.
enum ContainerResource {
    /// Provided by someone else, as devices are: `vendor.example/gpu`.
    static func isExtended(_ name: String) -> Bool {
        !isNative(name) && !name.hasPrefix("requests.")
            && Rule.Format.qualifiedName.mismatch("requests." + name) == nil
    }

    static func isHugePages(_ name: String) -> Bool {
        name.hasPrefix("hugepages-")
    }

    /// What is set aside is also the most that may be used.
    static func isOvercommitForbidden(_ name: String) -> Bool {
        isHugePages(name) || !isNative(name)
    }

    /// Kubernetes' own, whether it knows it or not.
    private static func isNative(_ name: String) -> Bool {
        !name.contains("/") || name.contains("kubernetes.io/")
    }

    static func faults(_ name: String, _ amount: Quantity, at path: String) -> [FieldError] {
        let value = JSONValue.string(amount.description)
        var faults = nameFaults(name, at: path)
        if amount < .zero { faults.append(.invalid(path, value, "must be greater than or equal to 0")) }
        if isExtended(name), amount.nanos % 1_000_000_000 != 0 {
            faults.append(.invalid(path, value, "must be an integer"))
        }
        if isHugePages(name), !isWhole(amount, ofPages: name) {
            faults.append(.invalid(path, value, "\(amount) is not positive integer multiple of \(name)"))
        }
        return faults
    }

    private static func nameFaults(_ name: String, at path: String) -> [FieldError] {
        let value = JSONValue.string(name)
        if let why = Rule.Format.qualifiedName.mismatch(name) { return [.invalid(path, value, why)] }
        if name.contains("/") {
            return isNative(name) || isExtended(name)
                ? [] : [.invalid(path, value, "doesn't follow extended resource name standard")]
        }
        guard !["cpu", "memory", "ephemeral-storage"].contains(name), !isHugePages(name) else { return [] }
        let strange: [FieldError] =
            elsewhere.contains(name)
            ? [] : [.invalid(path, value, "must be a standard resource type or fully qualified")]
        return strange + [.invalid(path, value, "must be a standard resource for containers")]
    }

    /// Names that mean something in other places than containers.
    private static let elsewhere: Set = [
        "pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps",
        "persistentvolumeclaims", "storage", "requests.cpu", "requests.memory", "requests.storage",
        "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage",
        "services.nodeports", "services.loadbalancers",
    ]

    private static func isWhole(_ amount: Quantity, ofPages name: String) -> Bool {
        guard let size = Quantity(String(name.dropFirst("hugepages-".count))), size > .zero else { return false }
        return amount.nanos % size.nanos == 0
    }
}
