import APIMachinery
import CRI
import KubernetesAPI
import Linux

/// The ConfigMaps and Secrets that a pod refers to, by name, as fetched for one start.
struct ReferencedData: Sendable, Hashable {
    var configMaps: [String: [String: String]] = [:]
    /// Their values that are UTF-8: a runtime takes no others (the CRI's variables are texts).
    private(set) var secrets: [String: [String: String]] = [:]
    /// The keys of the other values. `envFrom` passes them over.
    private(set) var unreadableKeys: [String: Set<String>] = [:]
    /// Of each file that `fileKeyRef` names the variables that are wanted and there.
    var files: [EnvironmentFilePlace: [String: String]] = [:]

    mutating func add(_ secret: Secret) {
        let name = secret.metadata.name
        let texts = secret.data.mapValues { String(validating: $0.array, as: UTF8.self) }
        secrets[name] = texts.compactMapValues { $0 }
        unreadableKeys[name] = Set(texts.filter { $0.value == nil }.keys)
    }
}

/// Where a file of variables is: a volume of the pod, and a path within it, the same however often it says `.` or `/`.
struct EnvironmentFilePlace: Sendable, Hashable, CustomStringConvertible {
    let volume: String
    let path: String

    init(_ selector: FileKeySelector) {
        volume = selector.volumeName
        path = selector.path.pathComponents.filter { $0 != "." }.joined(separator: "/")
    }

    var description: String { "volume \"\(volume)\", path \"\(path)\"" }
}

extension Container {
    /// The variables of files that its environment names.
    var environmentFileKeys: [EnvironmentFilePlace: Set<String>] {
        self.env.compactMap { $0.valueFrom?.fileKeyRef }.reduce(into: [:]) { keys, selector in
            keys[EnvironmentFilePlace(selector), default: []].insert(selector.key)
        }
    }
}

/// A container's environment cannot be made: the text is the message of `CreateContainerConfigError`.
struct ContainerConfigError: Error, Sendable, Hashable {
    var message: String
}

/// What a container's program is given.
struct ContainerProgram: Sendable, Hashable {
    var environment: [EnvironmentVariable]
    var command: [String]
    var arguments: [String]

    /// The environment by its names.
    var values: [String: String] { Dictionary(environment.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 }) }
}

/// A container's environment, pure: service variables, then `envFrom`, then `env` with its references expanded in order.
struct ContainerEnvironment {
    let pod: Pod
    let container: Container
    let node: NodeIdentity
    let data: ReferencedData
    let podAddresses: [String]
    /// `KUBERNETES_SERVICE_HOST` and its like; the lowest rank.
    let services: [EnvironmentVariable]
    /// What the node has for pods: the limit of a container that names none.
    let allocatable: [String: Quantity]

    /// Bytes of environment, command and arguments together, replaced variables among them: no program is given more, whatever its stack's limit (execve(2)).
    static let limit = 6 << 20

    func program() throws(ContainerConfigError) -> ContainerProgram {
        var budget = ExpansionBudget(
            Self.limit,
            "env, command and args of container \"\(container.name)\" are larger than \(Self.limit >> 20) MiB "
                + "with all that they name, more than any program is given")
        var program = ContainerProgram(environment: try variables(&budget), command: [], arguments: [])
        let values = program.values
        for text in container.command { program.command.append(try budget.expand(text) { values[$0] }) }
        for text in container.args { program.arguments.append(try budget.expand(text) { values[$0] }) }
        return program
    }

    private func variables(_ budget: inout ExpansionBudget) throws(ContainerConfigError) -> [EnvironmentVariable] {
        var variables = Variables()
        for variable in services { try variables.set(variable.name, variable.value, &budget) }
        for source in container.envFrom {
            for (name, value) in try entries(source).sorted(by: { $0.key < $1.key }) {
                try variables.set((source.prefix ?? "") + name, value, &budget)
            }
        }
        for variable in container.env {
            if let source = variable.valueFrom {
                if let value = try resolve(source) { try variables.set(variable.name, value, &budget) }
            } else {
                try variables.set(variable.name, expanding: variable.value ?? "", &budget)
            }
        }
        return variables.list
    }

    /// In the order in which they came, of which the later one of a name is the one that counts.
    private struct Variables {
        private var names: [String] = []
        private var values: [String: String] = [:]

        var list: [EnvironmentVariable] { names.map { EnvironmentVariable($0, values[$0] ?? "") } }

        mutating func set(
            _ name: String, _ value: String, _ budget: inout ExpansionBudget
        ) throws(ContainerConfigError) {
            try budget.take(name.utf8.count + value.utf8.count)
            try put(name, value)
        }

        mutating func set(
            _ name: String, expanding text: String, _ budget: inout ExpansionBudget
        ) throws(ContainerConfigError) {
            try budget.take(name.utf8.count)
            try put(name, try budget.expand(text) { values[$0] })
        }

        private mutating func put(_ name: String, _ value: String) throws(ContainerConfigError) {
            guard !value.utf8.contains(0) else {
                throw ContainerConfigError(
                    message: "the value of environment variable \(name) has a NUL byte, which no program can be given")
            }
            if values.updateValue(value, forKey: name) == nil { names.append(name) }
        }
    }

    private func entries(_ source: EnvFromSource) throws(ContainerConfigError) -> [String: String] {
        if let reference = source.configMapRef {
            let found = data.configMaps[reference.name]
            return try require(found, reference.optional, "configmap \"\(reference.name)\" not found") ?? [:]
        }
        if let reference = source.secretRef {
            let found = data.secrets[reference.name]
            return try require(found, reference.optional, "secret \"\(reference.name)\" not found") ?? [:]
        }
        return [:]
    }

    private func resolve(_ source: EnvVarSource) throws(ContainerConfigError) -> String? {
        if let field = source.fieldRef { return try fieldValue(field.fieldPath) }
        if let resource = source.resourceFieldRef { return try resourceValue(resource) }
        if let key = source.configMapKeyRef {
            return try value(
                of: key.key, in: data.configMaps[key.name], optional: key.optional,
                what: "configmap \"\(key.name)\"")
        }
        if let key = source.secretKeyRef {
            guard data.unreadableKeys[key.name]?.contains(key.key) != true else {
                throw ContainerConfigError(message: "the value of key \(key.key) in secret \"\(key.name)\" is no UTF-8")
            }
            return try value(
                of: key.key, in: data.secrets[key.name], optional: key.optional,
                what: "secret \"\(key.name)\"")
        }
        if let key = source.fileKeyRef { return try value(of: key) }
        return nil
    }

    /// An empty one is none, as upstream has it.
    private func value(of key: FileKeySelector) throws(ContainerConfigError) -> String? {
        let found = data.files[EnvironmentFilePlace(key)]?[key.key] ?? ""
        return try require(
            found.isEmpty ? nil : found, key.optional,
            "environment variable key \"\(key.key)\" not found in file \"\(key.path)\"")
    }

    private func value(
        of key: String, in map: [String: String]?, optional: Bool?, what: String
    ) throws(ContainerConfigError) -> String? {
        guard let map = try require(map, optional, "\(what) not found") else { return nil }
        return try require(map[key], optional, "couldn't find key \(key) in \(what)")
    }

    private func require<Value>(
        _ value: Value?, _ optional: Bool?, _ message: String
    ) throws(ContainerConfigError) -> Value? {
        if value == nil, optional != true { throw ContainerConfigError(message: message) }
        return value
    }

    private func fieldValue(_ path: String) throws(ContainerConfigError) -> String {
        switch path {
        case "status.podIP": return podAddresses.first ?? ""
        case "status.podIPs": return podAddresses.joined(separator: ",")
        case "status.hostIP": return node.addresses.first ?? ""
        case "status.hostIPs": return node.addresses.joined(separator: ",")
        case "spec.nodeName": return node.name
        case "spec.serviceAccountName": return pod.spec.serviceAccountName ?? ""
        default:
            guard let value = pod.metadata.downwardValue(path) else {
                throw ContainerConfigError(message: "unsupported fieldPath: \(path)")
            }
            return value
        }
    }

    private func resourceValue(_ selector: ResourceFieldSelector) throws(ContainerConfigError) -> String {
        let name = selector.containerName ?? container.name
        let all = pod.spec.containers + pod.spec.initContainers
        guard let target = all.first(where: { $0.name == name }) else {
            throw ContainerConfigError(message: "container \(name) not found")
        }
        guard
            let value = target.resourceValue(
                selector.resource, divisor: selector.divisor, allocatable: allocatable)
        else {
            throw ContainerConfigError(message: "unsupported resource: \(selector.resource)")
        }
        return value
    }
}

extension ObjectMeta {
    /// The value of a `metadata.…` path of the downward API, nil where the path is not one of its.
    func downwardValue(_ path: String) -> String? {
        switch path {
        case "metadata.name": return self.name
        case "metadata.namespace": return self.namespace
        case "metadata.uid": return self.uid
        case "metadata.labels": return Self.lines(self.labels)
        case "metadata.annotations": return Self.lines(downwardAnnotations)
        default: break
        }
        for (prefix, map) in [("metadata.labels['", self.labels), ("metadata.annotations['", downwardAnnotations)]
        where path.hasPrefix(prefix) && path.hasSuffix("']") {
            return map[String(path.dropFirst(prefix.count).dropLast(2))] ?? ""
        }
        return nil
    }

    /// With where the node has the pod from, which only a static one says itself.
    private var downwardAnnotations: [String: String] {
        self.annotations.merging([StaticPodAnnotation.source: "api"]) { own, _ in own }
    }

    /// `key="value"` lines, sorted, as a downwardAPI volume shows a map.
    private static func lines(_ map: [String: String]) -> String {
        map.sorted { $0.key < $1.key }.map { "\($0.key)=\"\($0.value.escapedForQuotes)\"" }.joined(separator: "\n")
    }
}

extension String {
    fileprivate var escapedForQuotes: String {
        var result = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

extension Container {
    /// A value of the downward API: `limits.cpu` and its like, in units of `divisor` (one where absent or zero), rounded up. Without a limit it is
    /// what the node has for pods; nil where the path is not one of the API's.
    func resourceValue(_ path: String, divisor: Quantity?, allocatable: [String: Quantity] = [:]) -> String? {
        let parts = path.split(separator: ".", maxSplits: 1).map(String.init)
        guard parts.count == 2, ["limits", "requests"].contains(parts[0]) else { return nil }
        let (limit, request) = (self.resources?.limits[parts[1]], self.resources?.requests[parts[1]])
        let quantity = parts[0] == "limits" ? limit ?? allocatable[parts[1]] : request ?? limit
        guard let quantity else { return "0" }
        let given = divisor?.milliValue ?? 0
        let unit = given > 0 ? given : 1000
        let (whole, part) = quantity.milliValue.quotientAndRemainder(dividingBy: unit)
        return String(whole + (part > 0 ? 1 : 0))
    }
}
