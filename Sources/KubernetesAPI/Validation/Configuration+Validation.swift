import APIMachinery
import JSONTree

extension ConfigMap {
    static func faults(new: ConfigMap, old: ConfigMap?) -> [FieldError] {
        var faults: [FieldError] = []
        let text = new.storage["data"]?.object ?? JSONObject()
        let binary = new.storage["binaryData"]?.object ?? JSONObject()
        for key in text.keys where binary[key] != nil {
            faults.append(.invalid("data[\(key)]", .string(key), "duplicate of key present in binaryData"))
        }
        if DataSize.bytes(text) + DataSize.bytes(binary) / 4 * 3 > DataSize.limit {
            faults.append(.tooLong("data", DataSize.limit))
        }
        return faults + ImmutableData.faults(new.storage, old?.storage, fields: ["data", "binaryData"])
    }
}

extension Secret {
    static func faults(new: Secret, old: Secret?) -> [FieldError] {
        let data = new.storage["data"]?.object ?? JSONObject()
        var faults: [FieldError] = []
        for key in requiredKeys(of: new.type) where data[key] == nil {
            faults.append(.required("data[\(key)]"))
        }
        if DataSize.bytes(data) / 4 * 3 > DataSize.limit { faults.append(.tooLong("data", DataSize.limit)) }
        return faults + ImmutableData.faults(new.storage, old?.storage, fields: ["data"])
    }

    private static func requiredKeys(of type: String) -> [String] {
        switch type {
        case "kubernetes.io/tls": ["tls.crt", "tls.key"]
        case "kubernetes.io/dockerconfigjson": [".dockerconfigjson"]
        case "kubernetes.io/dockercfg": [".dockercfg"]
        case "kubernetes.io/ssh-auth": ["ssh-privatekey"]
        default: []
        }
    }
}

private enum DataSize {
    /// Of a ConfigMap or Secret, in bytes.
    static let limit = 1_048_576

    static func bytes(_ object: JSONObject) -> Int {
        object.members.reduce(0) { $0 + $1.key.utf8.count + ($1.value.string?.utf8.count ?? 0) }
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
