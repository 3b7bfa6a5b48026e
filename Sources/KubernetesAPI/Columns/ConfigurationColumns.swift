import APIMachinery
import JSONTree

extension TableDefinition {
    static let configMap = TableDefinition(
        ConfigMap.self, [.name, .init("Data", "Number of keys.", type: "integer"), .age]
    ) { map, now in
        [
            .string(map.metadata.name),
            .number(memberCount(map.storage, "data") + memberCount(map.storage, "binaryData")),
            .age(map.metadata.creationTimestamp, now),
        ]
    }

    static let secret = TableDefinition(
        Secret.self,
        [
            .name, .init("Type", "What the secret is for."), .init("Data", "Number of keys.", type: "integer"), .age,
        ]
    ) { secret, now in
        [
            .string(secret.metadata.name),
            .string(secret.type),
            .number(memberCount(secret.storage, "data")),
            .age(secret.metadata.creationTimestamp, now),
        ]
    }

    /// Counts without decoding: the values can be large.
    private static func memberCount(_ object: JSONObject, _ field: String) -> Int {
        object[field]?.object?.count ?? 0
    }

    static let serviceAccount = TableDefinition(
        ServiceAccount.self, [.name, .init("Secrets", "Number of secrets.", type: "integer"), .age]
    ) { account, now in
        [
            .string(account.metadata.name),
            .number(account.secrets.count),
            .age(account.metadata.creationTimestamp, now),
        ]
    }
}
