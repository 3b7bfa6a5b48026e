import APIMachinery
import HTTP
import Logging
import Store

/// The Kubernetes API over a key-value store. It knows no sockets: a transport serves it, and clients in this process call `handle`
/// under an identity of their own (`Peer.inProcess`).
package final class APIServer: HTTPHandler {
    let configuration: APIServerConfiguration

    /// - Parameters:
    ///   - tokens: nil: no bearer token is accepted, none is issued.
    package init(
        _ configuration: APIServerConfiguration = .init(), store: any KeyValueStore,
        tokens: (any ServiceAccountTokenService)? = nil, nodes: any NodeProxy = NoNodes(),
        timeline: any TimelineSink = NoTimeline(), time: any TimeSource = SystemTime(),
        logger: Logger = Logger(label: "apiserver")
    ) {
        self.configuration = configuration
    }

    /// Fills the caches, creates what every cluster has (namespaces, the `kubernetes` Service) and follows the store.
    package func start() async throws(StoreError) {}

    /// Ends every watch and stops following the store.
    package func stop() async {}

    package func handle(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        let status = Status.resourceNotFound()
        return HTTPResponse(Int(status.code), contentType: "application/json", [])
    }
}
