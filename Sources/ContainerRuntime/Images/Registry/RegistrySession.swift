import APIMachinery
import CRI
import HTTP
import JSONTree
import OCI
import Synchronization

/// Requests to one registry about one repository: answers its challenges, keeps the token, follows redirects.
final class RegistrySession: Sendable {
    private static let redirects = 5

    private struct State {
        var authorization: String?
        /// Whether the token that came with the credentials has been shown.
        var hasShownToken = false
        var handlers: [RegistryOrigin: any HTTPHandler] = [:]
    }

    let client: RegistryClient
    let origin: RegistryOrigin
    let repository: String
    private let auth: RegistryAuth?
    private let isPush: Bool
    private let isMirror: Bool
    /// The address of the one file that is asked for here, which an image named and no registry.
    private let foreign: RegistryURL?
    private let state: Mutex<State>

    init(
        _ client: RegistryClient, origin: RegistryOrigin, repository: String, auth: RegistryAuth?, isPush: Bool,
        isMirror: Bool, foreign: RegistryURL? = nil
    ) {
        self.client = client
        self.origin = origin
        self.repository = repository
        self.auth = auth
        self.isPush = isPush
        self.isMirror = isMirror
        self.foreign = foreign
        let given = auth.flatMap(Self.bearer)
        state = Mutex(State(authorization: given, hasShownToken: given != nil))
    }

    var isForeign: Bool { foreign != nil }

    /// For messages.
    var name: String { isForeign ? "\(origin)" : "registry \(origin)" }

    /// What is beneath the repository, such as `manifests/latest`.
    func url(_ path: String) -> RegistryURL {
        RegistryURL(origin, path: "/v2/\(repository)/\(path)")
    }

    func blob(_ digest: Digest) -> RegistryURL { foreign ?? url("blobs/\(digest)") }

    /// Sends one request and returns the answer, whatever its status, after challenges and redirects.
    func send(
        _ method: HTTPMethod, _ url: RegistryURL, headers: HTTPHeaders = [:], body: [UInt8] = []
    ) async throws(RegistryFailure) -> HTTPResponse {
        var url = url
        var hasAnswered = false
        for _ in 0...Self.redirects {
            let authorization = state.withLock { $0.authorization }
            let response = try await ask(method, url, headers, body, authorization)
            switch response.status {
            case 401 where !hasAnswered && url.origin == origin && !isForeign:
                let fields = response.headers.values("WWW-Authenticate")
                response.discard()
                let auth = try await credentials()
                if showToken(of: auth, after: authorization) { continue }
                hasAnswered = true
                guard let challenge = RegistryChallenge.first(of: fields), try await answer(challenge, as: auth) else {
                    return response
                }
            case 301, 302, 303, 307, 308:
                guard method == .get || method == .head, let location = response.headers["Location"] else {
                    return response
                }
                response.discard()
                url = try permitted(location, from: url.origin)
            default: return response
            }
        }
        throw RegistryFailure(.refused, "\(origin) leads from one address to the next without an end")
    }

    /// An address that the registry names, if it may be asked.
    func permitted(_ text: String, from base: RegistryOrigin) throws(RegistryFailure) -> RegistryURL {
        guard let found = RegistryURL(text, relativeTo: base) else {
            let words = isForeign ? "" : ": \(text.prefix(200))"
            throw RegistryFailure(.refused, "\(origin) names an address that cannot be read\(words)")
        }
        guard found.origin == base || client.hosts.permits(found.origin, isForeign: isForeign) else {
            let cause = found.origin.isSecure ? "where no image may lead" : "which is plain HTTP and not configured so"
            // A foreign server's words are not for whoever has named it.
            let place = isForeign ? "elsewhere" : "to \(found.origin)"
            throw RegistryFailure(.refused, "\(origin) leads \(place), \(cause) (setting registries)")
        }
        return found
    }

    private func ask(
        _ method: HTTPMethod, _ url: RegistryURL, _ headers: HTTPHeaders, _ body: [UInt8], _ authorization: String?
    ) async throws(RegistryFailure) -> HTTPResponse {
        var headers = headers
        headers["User-Agent"] = "swiftlet"
        // A digest is that of the bytes as they are.
        headers["Accept-Encoding"] = "identity"
        // Credentials are for the registry alone, not for where it leads.
        if url.origin == origin { headers["Authorization"] = authorization }
        var request = url.request(method, headers: headers, body: body)
        // The last part of an upload is appended. Who pushes looks first how far it has come.
        if method == .put { request.isRepeatable = false }
        return try await exchange(request, with: url.origin)
    }

    private func exchange(
        _ request: HTTPRequest, with origin: RegistryOrigin
    ) async throws(RegistryFailure) -> HTTPResponse {
        let handler = try await handler(for: origin)
        do throws(HTTPError) {
            return try await handler.handle(request)
        } catch {
            guard case .refused(let refusal, _) = error else {
                throw RegistryFailure(.passing, "\(origin): \(error)")
            }
            throw RegistryFailure(.refused, "\(origin): \(error); \(refusal.wayOut(at: origin))")
        }
    }

    /// What an answer means that is none of success. What the server of a foreign address says in it is not told: whoever made the image and sees the pod's events
    /// need not be one whom that server answers.
    func failure(_ response: HTTPResponse, body: [UInt8], of what: some CustomStringConvertible) -> RegistryFailure {
        failure(RegistryFailure(response, body: isForeign ? [] : body, what: "\(name) answered for \(what)"))
    }

    /// The same with what to do about credentials.
    private func failure(_ failure: RegistryFailure) -> RegistryFailure {
        guard failure.kind == .unauthorized, !isForeign else { return failure }
        let wayOut =
            isMirror
            ? "a mirror is asked as whom the setting mirror-auth has for it, never as whom its registry knows"
            : auth == nil
                ? "it was asked without a name and a password (--username, or the pod's imagePullSecrets)"
                : "it does not let in whom the name and password are of"
        return RegistryFailure(.unauthorized, "\(failure); \(wayOut)")
    }

    private func handler(for origin: RegistryOrigin) async throws(RegistryFailure) -> any HTTPHandler {
        if let known = state.withLock({ $0.handlers[origin] }) { return known }
        do throws(CRIError) {
            let made = try await client.connect(origin)
            state.withLock { $0.handlers[origin] = made }
            return made
        } catch {
            throw RegistryFailure(.refused, error.description)
        }
    }

    // MARK: - Challenges

    /// A token for the registry itself goes before what a challenge asks for, once.
    /// - Parameter refused: what was shown in vain.
    /// - Returns: whether the token is still to be tried.
    private func showToken(of auth: RegistryAuth?, after refused: String?) -> Bool {
        guard let bearer = auth.flatMap(Self.bearer) else { return false }
        return state.withLock { state in
            if !state.hasShownToken { state.authorization = bearer }
            state.hasShownToken = true
            return state.authorization == bearer && refused != bearer
        }
    }

    /// - Returns: whether there is something new to try.
    private func answer(
        _ challenge: RegistryChallenge, as auth: RegistryAuth?
    ) async throws(RegistryFailure) -> Bool {
        switch challenge {
        case .basic:
            guard let basic = auth.flatMap(Self.basic) else { return false }
            state.withLock { $0.authorization = basic }
        case .bearer(let realm, let service, let scope):
            let token = try await token(realm: realm, service: service, scope: scope, as: auth)
            state.withLock { $0.authorization = "Bearer " + token }
        }
        return true
    }

    /// As whom this place is asked.
    private func credentials() async throws(RegistryFailure) -> RegistryAuth? {
        guard isMirror else { return auth }
        do throws(CRIError) {
            return try await client.mirrorAuth(origin, repository)
        } catch {
            throw RegistryFailure(.unauthorized, "\(origin): \(error)")
        }
    }

    private static func bearer(_ auth: RegistryAuth) -> String? {
        auth.registryToken.isEmpty ? nil : "Bearer " + auth.registryToken
    }

    private static func basic(_ auth: RegistryAuth) -> String? {
        guard !auth.username.isEmpty else { return nil }
        return "Basic " + Bytes(Array("\(auth.username):\(auth.password)".utf8)).base64
    }

    /// What a token is asked for: what the registry wants to see, and for a push all that it needs.
    private func scopes(_ asked: String) -> [String] {
        let own = "repository:\(repository):" + (isPush ? "pull,push" : "pull")
        let asked = asked.split(separator: " ").map(String.init).filter { $0 != own }
        return isPush || asked.isEmpty ? [own] + asked : asked
    }

    private func token(
        realm: String, service: String, scope: String, as auth: RegistryAuth?
    ) async throws(RegistryFailure) -> String {
        var url = try permitted(realm, from: origin)
        var fields = service.isEmpty ? [] : [QueryItem("service", service)]
        fields += scopes(scope).map { QueryItem("scope", $0) }
        var request: HTTPRequest
        if let token = auth?.identityToken, !token.isEmpty {
            fields += [
                QueryItem("grant_type", "refresh_token"), QueryItem("client_id", "swiftlet"),
                QueryItem("refresh_token", token),
            ]
            request = url.request(
                .post, headers: ["Content-Type": "application/x-www-form-urlencoded"],
                body: Array(RequestTarget.text(query: fields).utf8))
        } else {
            url.add(fields)
            request = url.request(.get)
            request.headers["Authorization"] = auth.flatMap(Self.basic)
        }
        request.headers["User-Agent"] = "swiftlet"
        let response = try await exchange(request, with: url.origin)
        let body = try await whole(response, limit: 1 << 20, from: url.origin)
        guard response.status == 200 else {
            throw failure(RegistryFailure(response, body: body, what: "token service \(url.origin) answered"))
        }
        let value = try? JSONValue(parsing: body)
        guard let token = value?["token"]?.string ?? value?["access_token"]?.string, !token.isEmpty,
            token.utf8.allSatisfy({ $0 > 32 && $0 < 127 })
        else { throw RegistryFailure(.refused, "token service \(url.origin) answered without a token") }
        return token
    }
}

extension HTTPResponse {
    /// Frees the connection of an answer that nobody reads.
    func discard() {
        if case .stream(let stream) = body { stream.cancel() }
    }

    fileprivate func whole(limit: Int, from origin: RegistryOrigin) async throws(RegistryFailure) -> [UInt8] {
        do throws(HTTPError) {
            return try await bytes(limit: limit)
        } catch {
            throw RegistryFailure(.passing, "\(origin): \(error)")
        }
    }
}

extension RegistrySession {
    /// What is no layer is small, and has a minute to come.
    private static let bodyTime = Duration.seconds(60)

    /// The whole body of an answer. One that does not end is cut off.
    func whole(
        _ response: HTTPResponse, limit: Int, from origin: RegistryOrigin
    ) async throws(RegistryFailure) -> [UInt8] {
        guard case .stream = response.body else { return try await response.whole(limit: limit, from: origin) }
        let outcome = await withTaskGroup(
            of: Result<[UInt8], RegistryFailure>?.self, returning: Result<[UInt8], RegistryFailure>?.self
        ) { [time = client.time] group in
            group.addTask {
                do throws(RegistryFailure) {
                    return .success(try await response.whole(limit: limit, from: origin))
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                try? await time.sleep(for: Self.bodyTime)
                return nil
            }
            let first = await group.next() ?? nil
            if first == nil { response.discard() }
            group.cancelAll()
            return first
        }
        guard let outcome else {
            throw RegistryFailure(.passing, "\(origin): an answer did not end within \(Self.bodyTime)")
        }
        return try outcome.get()
    }
}
