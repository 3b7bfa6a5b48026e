import APIMachinery
import CRI
import HTTP
import Logging
import Protobuf
import Transport

/// Another's runtime (containerd, CRI-O) behind the CRI's own protocols, so that a kubelet finds no difference.
///
/// What the CRI tells in two calls and ours in one is asked for twice: a list here has addresses and exit codes.
package struct RemoteRuntime: Sendable {
    let client: GRPCClient
    let threads: IOThreads
    let time: any TimeSource
    let logger: Logger
    let outage = Outage()

    /// - Parameter endpoint: `unix:///run/containerd/containerd.sock`, or the path alone.
    /// - Throws: `invalid` where it is neither.
    package init(
        endpoint: String, time: any TimeSource, threads: IOThreads, logger: Logger
    ) throws(CRIError) {
        let path = endpoint.hasPrefix("unix://") ? String(endpoint.dropFirst("unix://".count)) : endpoint
        guard path.hasPrefix("/") else {
            throw .invalid(
                "the runtime's endpoint \"\(endpoint)\" must be a socket such as unix:///run/containerd/containerd.sock"
            )
        }
        client = GRPCClient(.unix(path: path), agent: "swiftlet", threads: threads)
        self.threads = threads
        self.time = time
        self.logger = logger
    }

    /// How long a call may take that makes or ends something.
    static let changeLimit = Duration.seconds(240)
    static let queryLimit = Duration.seconds(60)

    func ask<Question: ProtobufFields, Answer: ProtobufFields>(
        _ call: String, of service: String = "RuntimeService", _ question: Message<Question>,
        within limit: Duration = queryLimit, as type: Answer.Type = Answer.self
    ) async throws(CRIError) -> Message<Answer> {
        let bytes: [UInt8]
        do throws(GRPCStatus) {
            bytes = try await client.call("/runtime.v1.\(service)/\(call)", question.encoded, within: limit)
        } catch {
            throw CRIError(error)
        }
        return try Self.read(bytes, answering: call)
    }

    /// - Throws: `failed` where it is no such message.
    static func read<Answer: ProtobufFields>(
        _ bytes: [UInt8], answering call: String, as type: Answer.Type = Answer.self
    ) throws(CRIError) -> Message<Answer> {
        do throws(ProtobufReader.Problem) {
            return try Message(parsing: bytes)
        } catch {
            throw .failed("the runtime's answer to \(call) cannot be read (\(error.text)); is it a CRI runtime.v1?")
        }
    }

    /// A call whose answer says nothing.
    func tell<Question: ProtobufFields>(
        _ call: String, _ question: Message<Question>, within limit: Duration = changeLimit
    ) async throws(CRIError) {
        let _: Message<Wire.Empty> = try await ask(call, question, within: limit)
    }
}

extension CRIError {
    init(_ status: GRPCStatus) {
        self =
            switch status.code {
            case .notFound: .notFound(status.message)
            case .invalidArgument: .invalid(status.message)
            case .deadlineExceeded: .timedOut(status.message)
            case .unimplemented: .unsupported(status.message)
            default: .failed(status.message)
            }
    }
}
