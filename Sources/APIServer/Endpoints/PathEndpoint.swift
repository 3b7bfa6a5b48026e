import APIMachinery
import HTTP
import JSONTree
import KubernetesAPI
import PKI

/// Paths that name no resource: health, version, discovery, and how service accounts' tokens are checked.
struct PathEndpoint: Sendable {
    let configuration: APIServerConfiguration
    let discovery: DiscoveryDocuments
    let openAPI: OpenAPIEndpoint
    private let tokens: ServiceAccountTokens?
    private let registry: ObjectRegistry

    init(_ configuration: APIServerConfiguration, registry: ObjectRegistry, tokens: ServiceAccountTokens?) {
        self.configuration = configuration
        self.tokens = tokens
        let definitions = registry.resources.all.map(\.definition) + ServedForm.all.map(\.definition)
        discovery = DiscoveryDocuments(definitions.map(\.kind))
        openAPI = OpenAPIEndpoint(definitions, reviews: Kinds.reviews, gitVersion: configuration.gitVersion)
        self.registry = registry
    }

    func answer(_ request: HTTPRequest, _ identity: Identity) throws(Status) -> HTTPResponse {
        let path =
            request.path.last == "/" && request.path.utf8.count > 1 ? String(request.path.dropLast()) : request.path
        let parts = path.split(separator: "/").map(String.init)
        switch parts.first {
        case "livez", "readyz", "healthz": return try health(parts, request, isTold: identity.isAuthenticated)
        case "version" where parts.count == 1: return .json(200, version)
        case "api", "apis": return try discover(parts, request)
        case ".well-known", "openid":
            guard let tokens, let answer = openID(parts, tokens) else { throw .resourceNotFound() }
            return answer
        case "openapi": return try openAPI.answer(parts, request)
        default: throw .resourceNotFound()
        }
    }

    // MARK: Health

    private struct Check {
        let name: String
        var failure: String?
    }

    private func checks(_ kind: String) -> [Check] {
        let ping = Check(name: "ping")
        guard kind != "livez" else { return [ping] }
        return [
            ping, Check(name: "caches-follow-store", failure: registry.feed.isCurrent ? nil : "they list it anew"),
            Check(
                name: "data-disk",
                failure: registry.pending.hasStalled ? registry.stall("writes are refused") : nil),
        ]
    }

    /// - Parameter isTold: whether the caller hears why a check failed, and not only that it did.
    private func health(_ parts: [String], _ request: HTTPRequest, isTold: Bool) throws(Status) -> HTTPResponse {
        let excluded = Set(request.query.filter { $0.name == "exclude" }.map(\.value))
        var checks = checks(parts[0]).filter { !excluded.contains($0.name) }
        if parts.count == 2 {
            checks = checks.filter { $0.name == parts[1] }
            guard !checks.isEmpty else { throw .resourceNotFound() }
        }
        guard parts.count <= 2 else { throw .resourceNotFound() }
        let isPassed = checks.allSatisfy { $0.failure == nil }
        guard !isPassed || request.query("verbose") != nil else {
            return HTTPResponse(200, contentType: "text/plain; charset=utf-8", Array("ok".utf8))
        }
        var text = checks.map { check in
            guard let failure = check.failure else { return "[+]\(check.name) ok\n" }
            return "[-]\(check.name) failed: \(isTold ? failure : "reason withheld")\n"
        }.joined()
        text += "\(parts[0]) check \(isPassed ? "passed" : "failed")\n"
        return HTTPResponse(isPassed ? 200 : 503, contentType: "text/plain; charset=utf-8", Array(text.utf8))
    }

    // MARK: Version

    private var version: JSONObject {
        let numbers = configuration.gitVersion.drop { $0 == "v" }.split(separator: ".")
        #if arch(arm64)
            let platform = "linux/arm64"
        #else
            let platform = "linux/amd64"
        #endif
        return [
            "major": .string(String(numbers.first ?? "1")), "minor": .string(String(numbers.dropFirst().first ?? "0")),
            "gitVersion": .string(configuration.gitVersion), "gitCommit": "", "gitTreeState": "clean", "buildDate": "",
            "goVersion": "", "compiler": "swiftc", "platform": .string(platform),
        ]
    }

    // MARK: Tokens

    /// OpenID Connect Discovery 1.0, as far as checking a token needs it.
    private func openID(_ parts: [String], _ tokens: ServiceAccountTokens) -> HTTPResponse? {
        let (type, document): (String, JSONObject)
        switch parts {
        case [".well-known", "openid-configuration"]:
            let address = "\(configuration.advertiseAddress):\(configuration.advertisePort)"
            type = "application/json"
            document = [
                "issuer": .string(tokens.issuer), "jwks_uri": .string("https://\(address)/openid/v1/jwks"),
                "response_types_supported": ["id_token"], "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
            ]
        case ["openid", "v1", "jwks"]: (type, document) = ("application/jwk-set+json", tokens.keySet)
        default: return nil
        }
        var response = HTTPResponse(200, contentType: type, document.encoded())
        response.headers["Cache-Control"] = "public, max-age=3600"
        return response
    }

    // MARK: Discovery

    private func discover(_ parts: [String], _ request: HTTPRequest) throws(Status) -> HTTPResponse {
        let isCore = parts[0] == "api"
        if parts.count == 1, let version = Self.aggregatedVersion(request) {
            let type = "application/json;g=apidiscovery.k8s.io;v=\(version);as=APIGroupDiscoveryList"
            let bytes = discovery.aggregated(isCore: isCore, version: version).encoded()
            return Self.tagged(bytes, contentType: type, request)
        }
        let document: JSONObject? =
            switch (isCore, parts.count) {
            case (true, 1):
                discovery.versions(
                    serverAddress: "\(configuration.advertiseAddress):\(configuration.advertisePort)")
            case (true, 2): discovery.resourceList(group: "", version: parts[1])
            case (false, 1): discovery.groupList
            case (false, 2): discovery.group(parts[1])
            case (false, 3): discovery.resourceList(group: parts[1], version: parts[2])
            default: nil
            }
        guard let document else { throw .resourceNotFound() }
        return .json(200, document)
    }

    /// The version of the aggregated form that the client wants first, nil where it wants the older documents.
    private static func aggregatedVersion(_ request: HTTPRequest) -> String? {
        for accepted in AcceptedType.all(request.headers) where accepted.isJSON {
            guard let kind = accepted.parameters["as"] else { return nil }
            let version = accepted.parameters["v"] ?? ""
            if kind == "APIGroupDiscoveryList", ["v2", "v2beta1"].contains(version) { return version }
        }
        return nil
    }

    /// A document with a tag, by which a client that has it already is spared the body.
    static func tagged(_ bytes: [UInt8], contentType: String, _ request: HTTPRequest) -> HTTPResponse {
        let tag = "\"\(ContentTag.of(bytes))\""
        if request.headers["If-None-Match"]?.contains(tag) == true {
            return HTTPResponse(304, headers: ["ETag": tag])
        }
        var response = HTTPResponse(200, contentType: contentType, bytes)
        response.headers["ETag"] = tag
        response.headers["Vary"] = "Accept"
        return response
    }
}

/// A short name for some bytes that changes when they do.
enum ContentTag {
    /// FNV-1a in 128 bits, as 32 hexadecimal digits: no cryptography, for nobody gains by a collision here.
    static func of(_ bytes: [UInt8]) -> String {
        var hash: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
        let prime: UInt128 = 0x0000_0000_0100_0000_0000_0000_0000_013b
        for byte in bytes { hash = (hash ^ UInt128(byte)) &* prime }
        let text = String(hash, radix: 16, uppercase: true)
        return String(repeating: "0", count: 32 - text.utf8.count) + text
    }
}
