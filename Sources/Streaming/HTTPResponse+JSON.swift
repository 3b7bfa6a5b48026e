import APIMachinery
import HTTP
import JSONTree

extension HTTPResponse {
    package init(_ value: JSONValue) {
        self.init(200, contentType: "application/json", value.encoded())
    }

    /// A failure, as Kubernetes tells it.
    package init(_ status: Status) {
        self.init(Int(status.code), contentType: "application/json", status.json.encoded())
    }
}
