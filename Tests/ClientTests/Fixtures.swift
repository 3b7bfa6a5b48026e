import APIMachinery
import Client
import HTTP
import JSONTree
import KubernetesAPI
import TestSupport

func configMap(_ name: String, in namespace: String = "default", version: Int, uid: String? = nil) -> ConfigMap {
    ConfigMap(name: name, namespace: namespace) {
        $0.metadata.resourceVersion = String(version)
        $0.metadata.uid = uid ?? "uid-\(name)"
    }
}

func page(_ items: [ConfigMap], version: Int, next: String? = nil) -> HTTPResponse {
    var metadata: JSONObject = ["resourceVersion": .string(String(version))]
    if let next { metadata["continue"] = .string(next) }
    return json([
        "apiVersion": "v1", "kind": "ConfigMapList", "metadata": .object(metadata), "items": .array(items.map(\.json)),
    ])
}

func json(_ value: JSONValue, status: Int = 200) -> HTTPResponse {
    HTTPResponse(status, contentType: "application/json", value.encoded())
}

func failure(_ status: Status) -> HTTPResponse {
    json(status.json, status: Int(status.code))
}

func line(_ type: String, _ object: JSONValue) -> String {
    let value: JSONValue = ["type": .string(type), "object": object]
    return String(decoding: value.encoded(), as: UTF8.self) + "\n"
}

func client(_ handler: FakeHTTPHandler) -> APIClient {
    APIClient(handler: handler, peer: .inProcess(user: "test", groups: []), userAgent: "test")
}

extension InformerEvent {
    /// One word for each event: `+name@version`, `~name@old>new`, `-name@version`, `synced`.
    var text: String {
        func version(_ object: Object) -> String { "\(object.metadata.name)@\(object.metadata.resourceVersion)" }
        return switch self {
        case .added(let object): "+" + version(object)
        case .updated(let old, let new): "~\(version(old))>\(new.metadata.resourceVersion)"
        case .deleted(let object): "-" + version(object)
        case .synced: "synced"
        }
    }
}
