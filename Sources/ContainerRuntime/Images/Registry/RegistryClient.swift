import APIMachinery
import CRI
import HTTP
import JSONTree
import OCI

/// Speaks the distribution protocol with registries. Holds no connection of its own: each pull or push opens sessions.
package struct RegistryClient: Sendable {
    /// Sends requests to one origin. Bodies of more than 1 MiB must come as streams, redirects unfollowed.
    package typealias Connect = @Sendable (RegistryOrigin) async throws(CRIError) -> any HTTPHandler

    /// As whom a mirror is asked for a repository; nil: as nobody.
    package typealias MirrorAuth = @Sendable (RegistryOrigin, String) async throws(CRIError) -> RegistryAuth?

    let hosts: RegistryHosts
    let connect: Connect
    let mirrorAuth: MirrorAuth
    let time: any TimeSource

    package init(
        hosts: RegistryHosts, time: any TimeSource,
        mirrorAuth: @escaping MirrorAuth = { (_, _) async throws(CRIError) in nil }, connect: @escaping Connect
    ) {
        self.hosts = hosts
        self.time = time
        self.mirrorAuth = mirrorAuth
        self.connect = connect
    }

    /// One session for each place where the registry is asked, in the order of asking.
    /// - Parameter auth: for the registry itself; a mirror hears nothing of it, and has its own.
    func sessions(for registry: String, repository: String, auth: RegistryAuth?, isPush: Bool) -> [RegistrySession] {
        hosts.places(for: registry).compactMap { place in
            let isMirror = !RegistryHosts.isOwn(place, of: registry)
            // What is pushed goes to the registry itself.
            if isPush && isMirror { return nil }
            return RegistrySession(
                self, origin: place.origin, repository: place.prefix + repository, auth: isMirror ? nil : auth,
                isPush: isPush, isMirror: isMirror)
        }
    }
}

extension RegistryClient {
    /// As many addresses of one layer are asked.
    private static let foreignLimit = 8

    /// The places that a layer's descriptor names, to be asked after the registry; none for layers that registries may hold. What they give is held to the digest.
    ///
    /// Whoever makes an image chooses these addresses, and this node reaches what its maker may not. containerd (2.x) asks at them before the registry, for any
    /// file, over HTTP too and wherever they lead; docker on Linux asks at none. Here they are asked over TLS by a name, so that nothing is asked of a server before
    /// it has proved to be who is meant, or where the setting `registries` has the place. No password or token is shown, and no challenge answered; a client
    /// certificate of `registry-certs` is shown to its own host, as in redirects.
    func foreignSessions(of layer: ImageDescriptor) -> [RegistrySession] {
        guard ImageMediaType.isForeignLayer(layer.mediaType) else { return [] }
        return layer.urls.prefix(Self.foreignLimit).compactMap { RegistryURL($0) }
            .filter { hosts.permits($0.origin, isForeign: true) }
            .map {
                RegistrySession(
                    self, origin: $0.origin, repository: "", auth: nil, isPush: false, isMirror: false, foreign: $0)
            }
    }
}

/// What a registry did not give.
struct RegistryFailure: Error, Sendable, Hashable, CustomStringConvertible {
    enum Kind: Sendable, Hashable {
        /// No answer, a broken one, or one that says to come back later.
        case passing
        /// It says that there is no such thing.
        case notFound
        /// It wants other credentials.
        case unauthorized
        case refused
        /// It took bytes that are not the digest's.
        case wrongBytes
        /// This node's own, such as a full disk: no other try mends it, nor another place.
        case local
    }

    var kind: Kind
    var description: String
    /// Of an answer that says to come back later: when it asks to be asked again, zero where it leaves that open.
    var retryAfter: Duration?

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    /// From an answer: its status and the registry's own words.
    init(_ response: HTTPResponse, body: [UInt8], what: String) {
        let words = Self.words(body)
        let kind: Kind =
            switch response.status {
            case 401, 403: .unauthorized
            case 404: .notFound
            case 408, 429, 500...599: .passing
            default: .refused
            }
        self.init(kind, "\(what): \(response.status)" + (words.isEmpty ? "" : ": \(words)"))
        guard [429, 503].contains(response.status) else { return }
        let asked = RetryAfter.delay(response.headers["Retry-After"], date: response.headers["Date"])
        retryAfter = asked ?? (response.status == 429 ? .zero : nil)
    }

    /// The messages of the protocol's error list, else the first line of what came. They end in terminals, logs and events.
    static func words(_ body: [UInt8]) -> String {
        let value = try? JSONValue(parsing: body)
        if let errors = value?["errors"]?.array {
            let texts = errors.prefix(4).map { error in
                [error["code"], error["message"]].map { ($0?.string ?? "").printable }.filter { !$0.isEmpty }
                    .joined(separator: ": ")
            }
            return texts.joined(separator: "; ")
        }
        if let details = value?["details"]?.string { return details.printable }
        return String(decoding: body.prefix(200).prefix { $0 != 10 }.filter { $0 >= 32 && $0 < 127 }, as: UTF8.self)
    }
}
