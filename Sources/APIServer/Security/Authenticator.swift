import APIMachinery
import HTTP
import PKI

/// Finds out who makes a request. Always on: whoever shows nothing is anonymous, and may read little more than whether the server lives.
struct Authenticator: Sendable {
    let tokens: ServiceAccountTokens?
    /// Whom a token must be meant for.
    let audiences: [String]
    /// Whether the objects that a token is bound to are still the same.
    let isStillBound: @Sendable (ServiceAccountClaims, _ token: String) -> Bool
    let time: any TimeSource

    /// Throws 401 where a credential is shown that does not hold.
    func identity(of request: HTTPRequest) throws(Status) -> Identity {
        switch request.peer {
        case .inProcess(let user, let groups):
            return Identity(user: user, groups: groups + ["system:authenticated"])
        case .certificate(let name, let organizations) where !name.isEmpty:
            return Identity(user: name, groups: organizations + ["system:authenticated"])
        case .local(uid: 0, _):
            return Identity(user: "system:admin", groups: ["system:masters", "system:authenticated"])
        case .anonymous, .certificate, .local:
            guard let token = Self.bearerToken(request) else { return .anonymous }
            guard let claims = claims(of: token, audiences: audiences) else { throw .unauthorized() }
            return Identity(claims)
        }
    }

    private static func bearerToken(_ request: HTTPRequest) -> String? {
        guard let header = request.headers["Authorization"] else { return nil }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, String(parts[0]).equalsIgnoringCase("Bearer") else { return nil }
        return String(parts[1].trimmed)
    }

    /// What a token says that holds and is meant for one of `audiences`, else nil.
    func claims(of token: String, audiences: [String]) -> ServiceAccountClaims? {
        guard let tokens,
            let claims = try? tokens.verify(token, audiences: audiences, nowSeconds: time.now().seconds),
            isStillBound(claims, token)
        else { return nil }
        return claims
    }
}

extension Identity {
    init(_ claims: ServiceAccountClaims) {
        self.init(
            user: claims.subject, uid: claims.serviceAccount.uid, groups: claims.groups + ["system:authenticated"])
        for (kind, object) in [("pod", claims.pod), ("node", claims.node)] {
            guard let object else { continue }
            extra["authentication.kubernetes.io/\(kind)-name"] = [object.name]
            if !object.uid.isEmpty { extra["authentication.kubernetes.io/\(kind)-uid"] = [object.uid] }
        }
    }

    /// The identity that a master acts under for this request (`kubectl --as`), or the one it came with.
    func impersonating(_ request: HTTPRequest) throws(Status) -> Identity {
        let user = request.headers["Impersonate-User"] ?? ""
        let groups = request.headers.values("Impersonate-Group")
        let uid = request.headers["Impersonate-Uid"] ?? ""
        let extra = Self.impersonatedExtra(request.headers)
        guard !user.isEmpty else {
            guard groups.isEmpty, uid.isEmpty, extra.isEmpty else {
                throw .badRequest("Impersonate-Group, -Uid and -Extra need Impersonate-User")
            }
            return self
        }
        guard isMaster else {
            throw .forbidden(
                ResourceName("users"), user,
                "User \"\(self.user)\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope")
        }
        var acting = Identity(user: user, uid: uid, groups: groups, extra: extra)
        if let account = acting.serviceAccount, groups.isEmpty {
            acting.groups = ["system:serviceaccounts", "system:serviceaccounts:\(account.namespace)"]
        }
        let state = user == Identity.anonymous.user ? "system:unauthenticated" : "system:authenticated"
        if !acting.groups.contains(state) { acting.groups.append(state) }
        return acting
    }

    /// `Impersonate-Extra-KEY: VALUE`; keys are in lower case and may be percent-encoded, as header names cannot hold every character.
    private static func impersonatedExtra(_ headers: HTTPHeaders) -> [String: [String]] {
        let prefix = "Impersonate-Extra-"
        var extra: [String: [String]] = [:]
        for field in headers.fields where field.name.prefix(prefix.count).lowercased() == prefix.lowercased() {
            let key = String(field.name.dropFirst(prefix.count)).lowercased()
            extra[RequestTarget.decoded(key) ?? key, default: []].append(field.value)
        }
        return extra
    }
}
