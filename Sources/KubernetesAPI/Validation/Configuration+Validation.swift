import APIMachinery
import JSONTree

extension ConfigMap {
    static func faults(new: ConfigMap, old: ConfigMap?) -> [FieldError] {
        var faults = ImmutableData.faults(new.storage, old?.storage, fields: ["data", "binaryData"])
        let text = new.storage["data"]?.object ?? JSONObject()
        let binary = new.storage["binaryData"]?.object ?? JSONObject()
        for key in text.keys where binary[key] != nil {
            faults.append(.invalid("data[\(key)]", .string(key), "duplicate of key present in binaryData"))
        }
        if DataSize.ofText(text) + DataSize.ofBase64(binary) > DataSize.limit {
            faults.append(.tooLong("data", DataSize.limit))
        }
        return faults
    }
}

extension Secret {
    static func faults(new: Secret, old: Secret?) -> [FieldError] {
        var faults = ImmutableData.faults(new.storage, old?.storage, fields: ["data"])
        let data = new.storage["data"]?.object ?? JSONObject()
        if DataSize.ofBase64(data) > DataSize.limit { faults.append(.tooLong("data", DataSize.limit)) }
        return faults + new.typeFaults(data)
    }

    /// What a secret of its type holds.
    private func typeFaults(_ data: JSONObject) -> [FieldError] {
        func missing(_ keys: String...) -> [FieldError] {
            keys.filter { data[$0] == nil }.map { .required("data[\($0)]") }
        }
        switch self.type {
        case "kubernetes.io/service-account-token":
            let name = "kubernetes.io/service-account.name"
            return self.metadata.annotations[name] ?? "" == "" ? [.required("metadata.annotations[\(name)]")] : []
        case "kubernetes.io/dockercfg": return registryFaults(data, ".dockercfg")
        case "kubernetes.io/dockerconfigjson": return registryFaults(data, ".dockerconfigjson")
        case "kubernetes.io/basic-auth":
            let faults = missing("username", "password")
            return faults.count == 2 ? faults : []
        case "kubernetes.io/ssh-auth":
            return data["ssh-privatekey"]?.string ?? "" == "" ? [.required("data[ssh-privatekey]")] : []
        case "kubernetes.io/tls": return missing("tls.crt", "tls.key")
        default: return []
        }
    }

    private func registryFaults(_ data: JSONObject, _ key: String) -> [FieldError] {
        guard let text = data[key] else { return [.required("data[\(key)]")] }
        let bytes = Bytes(json: text)?.array ?? []
        guard case .object? = try? JSONValue(parsing: bytes) else {
            return [.invalid("data[\(key)]", "<secret contents redacted>", "must be a JSON object")]
        }
        return []
    }
}

/// How much a ConfigMap or Secret holds, in bytes; its keys do not count.
private enum DataSize {
    static let limit = 1_048_576

    static func ofText(_ object: JSONObject) -> Int {
        object.members.reduce(0) { $0 + ($1.value.string?.utf8.count ?? 0) }
    }

    static func ofBase64(_ object: JSONObject) -> Int {
        object.members.reduce(0) { sum, member in
            let text = member.value.string ?? ""
            return sum + text.utf8.count / 4 * 3 - text.utf8.suffix(2).count { $0 == UInt8(ascii: "=") }
        }
    }
}

private enum ImmutableData {
    static func faults(_ new: JSONObject, _ old: JSONObject?, fields: [String]) -> [FieldError] {
        guard let old, old["immutable"] == true else { return [] }
        var faults: [FieldError] = []
        if new["immutable"] != true {
            faults.append(.forbidden("immutable", "field is immutable when `immutable` is set"))
        }
        for field in fields where new[field] != old[field] {
            faults.append(.forbidden(field, "field is immutable when `immutable` is set"))
        }
        return faults
    }
}
