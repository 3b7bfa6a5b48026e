import APIMachinery
import CRI
import HTTP
import Logging
import Protobuf
import TestSupport
import Testing

@testable import RemoteCRI

/// The server's side without a socket: HTTP in, a runtime that is a fake beneath.
@Suite struct EndpointTests {
    private let runtime = FakeRuntimeService()
    private let time = ManualTime()

    private func ask<Question: ProtobufFields>(
        _ method: String, _ question: Message<Question>, headers: HTTPHeaders = [:]
    ) async throws -> HTTPResponse {
        let time = time
        let endpoint = CRIEndpoint(
            runtime: runtime, images: FakeImageService(present: ["web:1"]), sessions: StreamingSessions(time: time),
            streamingAddress: "http://127.0.0.1:1", time: time,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        var headers = headers
        headers["content-type"] = "application/grpc"
        return try await GRPCEndpoint(endpoint) { try await time.sleep(for: $0) }.handle(
            HTTPRequest(.post, method, headers: headers, body: GRPCFrame.framed(question.encoded)))
    }

    private func answer<Question: ProtobufFields, Answer: ProtobufFields>(
        _ call: String, _ question: Message<Question>, as type: Answer.Type
    ) async throws -> Message<Answer> {
        let response = try await ask("/runtime.v1.RuntimeService/" + call, question)
        let bytes = try await response.bytes(limit: 1 << 20)
        try #require(response.trailers?()["grpc-status"] == "0", "\(response.trailers?()["grpc-message"] ?? "")")
        return try Message(parsing: GRPCFrame.message(in: bytes) ?? [])
    }

    private func code<Question: ProtobufFields>(_ call: String, _ question: Message<Question>) async throws -> String? {
        try await ask("/runtime.v1.RuntimeService/" + call, question).trailers?()["grpc-status"]
    }

    private var config: Message<Wire.PodSandboxConfig> {
        PodSandboxConfig(metadata: PodSandboxMetadata(name: "p", uid: "u", namespace: "n")).wire
    }

    @Test func aPodLivesByCalls() async throws {
        let box = try await answer(
            "RunPodSandbox", Message<Wire.RunPodSandboxRequest> { $0.config = config }, as: Wire.SandboxID.self)
        let create = Message<Wire.CreateContainerRequest> {
            $0.podSandboxID = box.podSandboxID
            $0.config = Message { container in
                container.metadata = Message { $0.name = "c" }
                container.image = Message { $0.image = "web:1" }
            }
            $0.sandboxConfig = config
        }
        let id = try await answer("CreateContainer", create, as: Wire.ContainerID.self)
        _ = try await answer("StartContainer", id, as: Wire.Empty.self)
        let listed = try await answer(
            "ListContainers", Message<Wire.ListContainersRequest>(), as: Wire.ListContainersResponse.self)
        #expect(listed.containers.map(\.state) == [.running])
        // The beginning of an id is enough.
        let short = Message<Wire.ContainerStatusRequest> { $0.containerID = String(id.containerID.dropLast()) }
        let status = try await answer("ContainerStatus", short, as: Wire.ContainerStatusResponse.self)
        #expect(status.status?.id == id.containerID)
    }

    @Test func anImageTellsMoreWhenItIsAsked() async throws {
        for verbose in [false, true] {
            let question = Message<Wire.ImageStatusRequest> {
                $0.image = Message { $0.image = "web:1" }
                $0.verbose = verbose
            }
            let response = try await ask("/runtime.v1.ImageService/ImageStatus", question)
            let bytes = try await response.bytes(limit: 1 << 20)
            let status = try Message<Wire.ImageStatusResponse>(parsing: GRPCFrame.message(in: bytes) ?? [])
            #expect(
                status.image?.id == "sha256:web:1"
                    && status.info["info"] == (verbose ? "{\"fake\":\"sha256:web:1\"}" : nil))
        }
    }

    @Test func failuresHaveTheirCodes() async throws {
        let unknown = Message<Wire.PodSandboxStatusRequest> { $0.podSandboxID = "none" }
        #expect(try await code("PodSandboxStatus", unknown) == "5")
        #expect(try await code("PodSandboxStatus", Message<Wire.PodSandboxStatusRequest>()) == "3")
        #expect(try await code("NoSuchCall", Message<Wire.Empty>()) == "12")
        #expect(try await code("CheckpointContainer", Message<Wire.Empty>()) == "12")
        #expect(try await code("StartContainer", Message<Wire.Int64Value> { $0.value = 1 }) == "3")
    }

    @Test(arguments: [Int32(0), -1, 65_536]) func whatIsNoPortIsRefused(_ port: Int32) async throws {
        let box = try await answer(
            "RunPodSandbox", Message<Wire.RunPodSandboxRequest> { $0.config = config }, as: Wire.SandboxID.self)
        let question = Message<Wire.PortForwardRequest> {
            $0.podSandboxID = box.podSandboxID
            $0.port = [80, port]
        }
        #expect(try await code("PortForward", question) == "3")
    }

    @Test func whatIsNoCallIsRefused() async throws {
        let endpoint = GRPCEndpoint(Refusing()) { _ in }
        #expect(try await endpoint.handle(HTTPRequest(.get, "/a/b")).status == 405)
        #expect(try await endpoint.handle(HTTPRequest(.post, "/a/b")).status == 415)
        let cut = HTTPRequest(.post, "/a/b", headers: ["content-type": "application/grpc"], body: [0, 0, 0, 0, 9, 1])
        #expect(try await endpoint.handle(cut).trailers?()["grpc-status"] == "12")
        let timeless = HTTPRequest(
            .post, "/a/b", headers: ["content-type": "application/grpc", "grpc-timeout": "soon"],
            body: GRPCFrame.framed([]))
        #expect(try await endpoint.handle(timeless).trailers?()["grpc-status"] == "3")
    }

    @Test(arguments: [(413, "8"), (503, "14"), (408, "4"), (400, "13")])
    func whatTheServerRefusesIsAStatus(status: Int, code: String) {
        let refusal = GRPCEndpoint.refusal(status, "too much")
        #expect(refusal.status == 200 && refusal.headers["content-type"] == "application/grpc")
        #expect(refusal.trailers?()["grpc-status"] == code && refusal.trailers?()["grpc-message"] == "too much")
    }

    @Test func timesAndTextsAreTheFormats() {
        #expect(GRPCTimeout.duration("1500m") == .milliseconds(1_500) && GRPCTimeout.duration("2S") == .seconds(2))
        for bad in ["", "S", "5", "123456789S", "-1S", "1x"] { #expect(GRPCTimeout.duration(bad) == nil) }
        #expect(GRPCTimeout.text(.seconds(2)) == "2000m" && GRPCTimeout.text(.nanoseconds(1)) == "1m")
        #expect(GRPCText.encoded("50% of ü\n") == "50%25 of %C3%BC%0A")
        #expect(
            GRPCText.decoded(GRPCText.encoded("50% of ü\n")) == "50% of ü\n" && GRPCText.decoded("%zz%4") == "%zz%4")
    }

    @Test func aTokenIsGoodOnceAndForAMinute() throws {
        let sessions = StreamingSessions(time: time)
        let (first, second) = (
            try sessions.add(.exec(ExecRequest(container: "c"))), try sessions.add(.exec(ExecRequest(container: "c")))
        )
        #expect(first != second && first.utf8.count == 32)
        #expect(sessions.take(first) != nil && sessions.take(first) == nil && sessions.take("x") == nil)
        time.advance(by: .seconds(61))
        #expect(sessions.take(second) == nil)
        for _ in 0..<1_000 { _ = try sessions.add(.exec(ExecRequest(container: "c"))) }
        #expect(throws: CRIError.self) { try sessions.add(.exec(ExecRequest(container: "c"))) }
    }
}

private struct Refusing: GRPCHandler {
    func call(_ method: String, _ message: [UInt8]) async throws(GRPCStatus) -> GRPCReply {
        throw GRPCStatus(.internal, "never asked")
    }
}
