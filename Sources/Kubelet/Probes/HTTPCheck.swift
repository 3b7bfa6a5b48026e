import APIMachinery
import HTTP
import KubernetesAPI

/// A GET of a probe or a hook. Redirects to the same host are followed, also to another port, in the time of the whole; where one leads elsewhere, it is the
/// answer, as upstream's prober has it.
struct HTTPCheck: Sendable {
    let transport: any ProbeTransport
    let time: any TimeSource

    private static let mostRequests = 10

    /// - Throws: `timedOut` where the whole is not done within `timeout`.
    func get(_ url: ProbeURL, _ headers: HTTPHeaders, timeout: Duration) async throws(HTTPError) -> HTTPResponse {
        let end = time.uptime() + timeout
        let saysReferer = !(headers["Referer"] ?? "").isEmpty
        var (url, headers) = (url, headers)
        for _ in 0..<Self.mostRequests {
            let rest = end - time.uptime()
            guard rest > .zero else { throw .timedOut(after: timeout) }
            let response = try await transport.get(url, headers: headers, timeout: rest)
            guard [301, 302, 303, 307, 308].contains(response.status),
                let location = response.headers["Location"], !location.isEmpty
            else { return response }
            switch url.reference(location) {
            case .http(let next, _) where next.host != url.host: return response
            case .http(let next, let isRelative):
                if case .stream(let stream) = response.body { stream.cancel() }
                // The name that was asked for belongs to where it was asked.
                if !isRelative { headers["Host"] = nil }
                // What was asked over TLS is not told to who is asked in the clear.
                if !saysReferer { headers["Referer"] = url.isSecure && !next.isSecure ? nil : url.description }
                url = next
            case .foreign(_, let host) where host != url.host: return response
            case .foreign(let scheme, _): throw .malformed("a redirect to an address of \(scheme)")
            case .unreadable: throw .malformed("a redirect to an address that cannot be read")
            }
        }
        throw .malformed("stopped after \(Self.mostRequests) redirects")
    }
}

extension HTTPHeaders {
    /// Those of an action, with `User-Agent` and `Accept` where it has none of its own. An empty `Accept` of its own is left out.
    /// - Parameter purpose: `probe` or `lifecycle`.
    init(_ action: HTTPGetAction, purpose: String) {
        self.init(action.httpHeaders.map { (name: $0.name, value: $0.value) })
        if self["User-Agent"] == nil { self["User-Agent"] = "kube-\(purpose)/1.36" }
        switch self["Accept"] {
        case nil: self["Accept"] = "*/*"
        case "": self["Accept"] = nil
        default: break
        }
        if self["Host"] == "" { self["Host"] = nil }
    }
}

extension HTTPResponse {
    /// Its body, as far as it is there, for people.
    var shownBody: String {
        if case .stream(let stream) = body { stream.cancel() }
        return String(decoding: parts.joined().prefix(10 << 10), as: UTF8.self)
    }
}
