import HTTP
import KubernetesAPI
import Synchronization
import TestSupport
import Testing

@testable import Kubelet

@Suite struct ProbeURLTests {
    private let base = ProbeURL(isSecure: false, host: "10.42.0.9", port: 8080, path: "/a/b?x=1")

    @Test func pathsGoOutAsTheyAre() {
        let paths = [
            "": "/", "healthz": "/healthz", "/a%2Fb?x": "/a%2Fb?x", "/a+b?c=d+e&f": "/a+b?c=d+e&f",
            "/ä b#c": "/%C3%A4%20b",
            "?x=1": "/?x=1", "/%zz": "/%zz", "/a/../b/./c": "/a/../b/./c", "/\u{301}#b": "/%CC%81",
        ]
        for (path, target) in paths {
            #expect(ProbeURL(isSecure: false, host: "h", port: 1, path: path).target == target)
        }
    }

    @Test(arguments: [
        ("/x?y", "http://10.42.0.9:8080/x?y"), ("c", "http://10.42.0.9:8080/a/c"),
        ("?z", "http://10.42.0.9:8080/a/b?z"),
        ("../c/./d/..", "http://10.42.0.9:8080/c/"), ("", "http://10.42.0.9:8080/a/b?x=1"),
        ("/\u{301}x", "http://10.42.0.9:8080/%CC%81x"), ("http://10.42.0.9/../c", "http://10.42.0.9:80/c"),
        ("//other/x", "http://other:80/x"), ("https://10.42.0.9", "https://10.42.0.9:443/"),
        ("HTTP://me:pw@10.42.0.9:90?q#f", "http://10.42.0.9:90/?q"), ("http://[fd00::1]:7/", "http://[fd00::1]:7/"),
    ])
    func redirectsLeadOn(location: String, url: String) {
        guard case .http(let found, _) = base.reference(location) else {
            Issue.record("\(location) leads nowhere")
            return
        }
        #expect(found.description == url)
    }

    @Test func othersAreToldApart() {
        #expect(base.reference("mailto:a@b") == .foreign(scheme: "mailto", host: ""))
        #expect(base.reference("ftp://10.42.0.9/x") == .foreign(scheme: "ftp", host: "10.42.0.9"))
        for bad in ["http://[fd00::1/", "http://h:99999/", "http://h:x/", "http://h:+80/"] {
            #expect(base.reference(bad) == .unreadable)
        }
    }
}

@Suite struct HTTPCheckTests {
    /// Answers in order, and keeps what was asked.
    private final class Answers: ProbeTransport {
        let asked = Mutex<[(url: String, headers: HTTPHeaders)]>([])
        private let answers: @Sendable (ProbeURL) throws(HTTPError) -> HTTPResponse

        init(_ answers: @escaping @Sendable (ProbeURL) throws(HTTPError) -> HTTPResponse) { self.answers = answers }

        var urls: [String] { asked.withLock { $0.map(\.url) } }
        var headers: [HTTPHeaders] { asked.withLock { $0.map(\.headers) } }

        func get(_ url: ProbeURL, headers: HTTPHeaders, timeout: Duration) async throws(HTTPError) -> HTTPResponse {
            asked.withLock { $0.append((url.description, headers)) }
            return try answers(url)
        }
        func connect(host: String, port: UInt16, timeout: Duration) async throws(HTTPError) {}
        func call(
            _ path: String, _ message: [UInt8], host: String, port: UInt16, timeout: Duration
        ) async throws(HTTPError) -> GRPCAnswer { throw .connectFailed(endpoint: host, reason: "none") }
    }

    private static func redirect(_ location: String, status: Int = 302) -> HTTPResponse {
        HTTPResponse(status, headers: ["Location": location], body: .parts([Array("Found".utf8)]))
    }

    private func prober(_ answers: Answers) -> Prober {
        let fixture = DirectoryFixture()
        return Prober(runtime: fixture.runtime, transport: answers, time: fixture.time)
    }

    private func action(_ build: (inout HTTPGetAction) -> Void = { _ in }) -> HTTPGetAction {
        HTTPGetAction {
            $0.scheme = "HTTP"
            $0.host = "web"
            $0.port = 80
            $0.path = "/healthz"
            build(&$0)
        }
    }

    private func check(_ answers: Answers, _ action: HTTPGetAction) async -> PodOutcome {
        let pod = pod {
            var container = $0.spec.containers[0]
            container.livenessProbe = Probe { $0.httpGet = action }
            $0.spec.containers = [container]
        }
        let key = ProbeKey(container: "a", id: "1", kind: .liveness)
        return await prober(answers).check(key, pod, PodObservation(), timeout: .seconds(1))
    }

    @Test func redirectsToTheSameHostAreFollowed() async {
        let answers = Answers { url in
            switch url.target {
            case "/healthz": Self.redirect("/login?next=%2F", status: 307)
            case "/login?next=%2F": Self.redirect("https://web:8443/there", status: 301)
            default: HTTPResponse(204)
            }
        }
        let action = action {
            $0.httpHeaders = [
                HTTPHeader {
                    $0.name = "Host"
                    $0.value = "site"
                }
            ]
        }
        #expect(await check(answers, action) == .probed(isHealthy: true, message: ""))
        #expect(
            answers.urls == ["http://web:80/healthz", "http://web:80/login?next=%2F", "https://web:8443/there"])
        // Its own name goes with it as long as no other is asked for.
        #expect(answers.headers.map { $0["Host"] } == ["site", "site", nil])
        #expect(answers.headers.map { $0["Referer"] }[1] == "http://web:80/healthz")
    }

    /// Of an address asked over TLS nothing is said in the clear.
    @Test(arguments: [nil, "http://own/"]) func eachHopIsToldFromWhere(_ own: String?) async {
        let answers = Answers { url in
            switch url.target {
            case "/healthz": Self.redirect("https://web/b")
            case "/b": Self.redirect("https://web/c")
            case "/c": Self.redirect("http://web/d")
            default: HTTPResponse(204)
            }
        }
        let action = action {
            $0.httpHeaders =
                own.map { own in
                    [
                        HTTPHeader {
                            $0.name = "Referer"
                            $0.value = own
                        }
                    ]
                } ?? []
        }
        #expect(await check(answers, action) == .probed(isHealthy: true, message: ""))
        let told = [nil, "http://web:80/healthz", "https://web:443/b", nil]
        #expect(answers.headers.map { $0["Referer"] } == (own == nil ? told : told.map { _ in own }))
    }

    @Test(arguments: ["http://elsewhere/", "//elsewhere/", "mailto:web"])
    func aRedirectElsewhereIsGoodWithAWarning(_ location: String) async {
        let answers = Answers { _ in Self.redirect(location) }
        let message = "Probe terminated redirects, Response body: Found"
        #expect(await check(answers, action()) == .probed(isHealthy: true, message: message))
        #expect(answers.urls.count == 1)
    }

    @Test func aRedirectWithoutAnAddressIsTheAnswer() async {
        let answers = Answers { _ in HTTPResponse(304) }
        let message = "Probe terminated redirects, Response body: "
        #expect(await check(answers, action()) == .probed(isHealthy: true, message: message))
    }

    @Test func redirectsWithoutAnEndFail() async {
        let answers = Answers { _ in Self.redirect("/again") }
        guard case .probed(false, let message) = await check(answers, action()) else {
            Issue.record("it is taken for good")
            return
        }
        #expect(message.contains("stopped after 10 redirects") && answers.urls.count == 10)
    }

    @Test func whoAsksIsSaid() async {
        let plain = Answers { _ in HTTPResponse(500) }
        let failed = "HTTP probe failed with statuscode: 500"
        #expect(await check(plain, action()) == .probed(isHealthy: false, message: failed))
        #expect(plain.headers[0] == ["User-Agent": "kube-probe/1.36", "Accept": "*/*"])
        let own = Answers { _ in HTTPResponse(200) }
        let named = action {
            $0.httpHeaders = [("user-agent", "me"), ("Accept", "")].map { name, value in
                HTTPHeader {
                    $0.name = name
                    $0.value = value
                }
            }
        }
        _ = await check(own, named)
        #expect(own.headers[0] == ["user-agent": "me"])
    }

    /// As upstream: a hook is not asked what it thinks, only that it answers.
    @Test func aHookThatAnswersHasSucceeded() async {
        let answers = Answers { _ in HTTPResponse(500) }
        #expect(await run(answers, action()).failure == nil)
        #expect(answers.headers[0]["User-Agent"] == "kube-lifecycle/1.36")
        let silent = Answers { _ throws(HTTPError) in throw .connectionLost(reason: "gone") }
        #expect(await run(silent, action()).failure?.hasSuffix("connection lost: gone") == true)
    }

    @Test func aHookWithoutTLSIsAskedInTheClear() async {
        let answers = Answers { url throws(HTTPError) in
            if url.isSecure { throw .refused(.speaksNoTLS(.server), endpoint: "web") }
            return HTTPResponse(200)
        }
        let secure = action {
            $0.scheme = "HTTPS"
            $0.httpHeaders = [
                HTTPHeader {
                    $0.name = "Authorization"
                    $0.value = "secret"
                }
            ]
        }
        let (failure, warnings) = await run(answers, secure)
        #expect(failure == nil && warnings == ["LifecycleHTTPFallback"])
        #expect(answers.urls == ["https://web:80/healthz", "http://web:80/healthz"])
        #expect(answers.headers.map { $0["Authorization"] } == ["secret", nil])
    }

    private func run(_ answers: Answers, _ action: HTTPGetAction) async -> (failure: String?, warnings: [String]) {
        let pod = pod()
        let target = ProbeTarget(container: pod.spec.containers[0], id: "1", pod: pod, address: nil)
        var warnings: [String] = []
        let failure = await prober(answers).run(
            LifecycleHandler { $0.httpGet = action }, target, timeout: .seconds(1)
        ) { reason, _ in warnings.append(reason) }
        return (failure, warnings)
    }
}
