import APIMachinery
import CRI
import HTTP
import Logging
import Protobuf

/// Answers the calls of the CRI: each is looked up by its name, its message read, and handed to the runtime.
struct CRIEndpoint: GRPCHandler {
    /// One call: from the bytes of its question to its answer.
    typealias Call = @Sendable (CRIEndpoint, [UInt8]) async throws(GRPCStatus) -> GRPCReply

    let runtime: any RuntimeService
    let images: any ImageService
    let sessions: StreamingSessions
    /// `http://127.0.0.1:PORT`
    let streamingAddress: String
    let time: any TimeSource
    let logger: Logger
    let rates = ProcessorRates()

    static let calls: [String: Call] = {
        let runtime = [stateCalls, sandboxCalls, containerCalls, streamCalls, statsCalls].flatMap(Array.init)
        let named = runtime.map { ("/runtime.v1.RuntimeService/" + $0.key, $0.value) }
        let images = imageCalls.map { ("/runtime.v1.ImageService/" + $0.key, $0.value) }
        return Dictionary(uniqueKeysWithValues: named + images)
    }()

    func call(_ method: String, _ message: [UInt8]) async throws(GRPCStatus) -> GRPCReply {
        guard let call = Self.calls[method] else {
            throw GRPCStatus(.unimplemented, "this runtime has no \(method); it serves runtime.v1")
        }
        do throws(GRPCStatus) {
            return try await call(self, message)
        } catch {
            logger.debug(
                "CRI call failed",
                metadata: ["method": "\(method)", "code": "\(error.code)", "message": "\(error.message)"])
            throw error
        }
    }

    /// Nanoseconds since the Unix epoch.
    var now: Int64 {
        let now = time.now()
        return now.seconds &* 1_000_000_000 &+ Int64(now.nanoseconds)
    }

    // MARK: Kinds of calls

    /// A call that changes something: it goes on to its end also when the caller has gone, as it would be asked for again by one who comes back.
    static func change<Question: ProtobufFields, Answer: ProtobufFields>(
        _ body: @escaping @Sendable (CRIEndpoint, Message<Question>) async throws(CRIError) -> Message<Answer>
    ) -> Call {
        { endpoint, bytes async throws(GRPCStatus) in
            let question = try read(bytes, as: Question.self)
            let work = Task {
                do throws(CRIError) {
                    return Result<Message<Answer>, CRIError>.success(try await body(endpoint, question))
                } catch { return .failure(error) }
            }
            do throws(CRIError) {
                return .message(try await work.value.get().encoded)
            } catch {
                throw GRPCStatus(error)
            }
        }
    }

    /// A call that only looks, or that is to end with its caller.
    static func query<Question: ProtobufFields, Answer: ProtobufFields>(
        _ body: @escaping @Sendable (CRIEndpoint, Message<Question>) async throws(CRIError) -> Message<Answer>
    ) -> Call {
        { endpoint, bytes async throws(GRPCStatus) in
            let question = try read(bytes, as: Question.self)
            do throws(CRIError) {
                return .message(try await body(endpoint, question).encoded)
            } catch {
                throw GRPCStatus(error)
            }
        }
    }

    /// A list that comes in parts, so that no message grows over what a caller takes.
    static func parts<Question: ProtobufFields, Element: Sendable, Answer: ProtobufFields>(
        _ list: @escaping @Sendable (CRIEndpoint, Message<Question>) async throws(CRIError) -> [Element],
        _ wrap: @escaping @Sendable ([Element]) -> Message<Answer>
    ) -> Call {
        { endpoint, bytes async throws(GRPCStatus) in
            let question = try read(bytes, as: Question.self)
            do throws(CRIError) {
                let all = try await list(endpoint, question)
                let starts = stride(from: 0, to: all.count, by: partSize)
                let parts = starts.map { wrap(Array(all[$0..<min($0 + partSize, all.count)])).encoded }
                return .stream(ByteStream(parts))
            } catch {
                throw GRPCStatus(error)
            }
        }
    }

    /// Elements in a part of a list.
    private static let partSize = 100

    static func read<Fields: ProtobufFields>(
        _ bytes: [UInt8], as type: Fields.Type
    ) throws(GRPCStatus) -> Message<Fields> {
        do throws(ProtobufReader.Problem) {
            return try Message(parsing: bytes)
        } catch {
            throw GRPCStatus(.invalidArgument, "the message is not a \(Message<Fields>.protobufName): \(error.text)")
        }
    }

    // MARK: Names of things

    private static let idLength = 64

    /// The full id for one that is whole, or cut short so that it still says which sandbox is meant. One that nothing is known of stays as it is.
    func sandbox(_ id: String) async throws(CRIError) -> String {
        guard !id.isEmpty else { throw .invalid("the sandbox's id is empty") }
        guard id.utf8.count < Self.idLength else { return id }
        return try Self.pick(id, "sandbox", try await pods(PodSandboxFilter()).map(\.id))
    }

    func container(_ id: String) async throws(CRIError) -> String {
        guard !id.isEmpty else { throw .invalid("the container's id is empty") }
        guard id.utf8.count < Self.idLength else { return id }
        return try Self.pick(id, "container", try await containersOfPods(ContainerFilter()).map(\.id))
    }

    // MARK: What is a client's

    /// Without the containers of `swiftlet run`: a kubelet takes what it does not know for a pod that has gone, and ends it.
    func pods(_ filter: PodSandboxFilter) async throws(CRIError) -> [PodSandboxStatus] {
        try await runtime.listPodSandboxes(filter).filter { $0.sessionName == nil }
    }

    /// The containers of `pods`.
    func containersOfPods(_ filter: ContainerFilter) async throws(CRIError) -> [ContainerStatus] {
        let containers = try await runtime.listContainers(filter)
        let sessions = Set(
            try await runtime.listPodSandboxes(PodSandboxFilter()).filter { $0.sessionName != nil }.map(\.id))
        return sessions.isEmpty ? containers : containers.filter { !sessions.contains($0.sandbox) }
    }

    private static func pick(_ id: String, _ kind: String, _ known: [String]) throws(CRIError) -> String {
        let found = known.filter { $0.hasPrefix(id) }
        guard found.count < 2 else { throw .invalid("\(kind) \(id) may be any of \(found.count): give more of its id") }
        return found.first ?? id
    }
}

extension GRPCStatus {
    /// In the codes that kubelets decide by: a deadline is a probe that failed, what is not found is gone.
    init(_ error: CRIError) {
        let code: Code =
            switch error {
            case .notFound, .imageNotFound: .notFound
            case .invalid: .invalidArgument
            case .unsupported: .failedPrecondition
            case .timedOut: .deadlineExceeded
            case .startFailed, .failed: .unknown
            }
        self.init(code, error.description)
    }
}
