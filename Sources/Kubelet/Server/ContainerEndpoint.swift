import APIMachinery
import CRI
import HTTP
import Linux
import Logging
import Streaming

/// What is asked of one container that is known: its log, and sessions in it. The queries are the kubelet's.
package struct ContainerEndpoint: Sendable {
    let runtime: any RuntimeService
    let threads: BlockingThreads
    let events: EventThread
    let time: any TimeSource

    package init(
        runtime: any RuntimeService, threads: BlockingThreads, events: EventThread, time: any TimeSource
    ) {
        self.runtime = runtime
        self.threads = threads
        self.events = events
        self.time = time
    }

    /// - Parameters:
    ///   - name: what it is called in messages.
    ///   - ended: returns when nothing more is to come; nil: when the container has ended.
    package func logs(
        _ request: HTTPRequest, of container: ContainerStatus, named name: String,
        ended: (@Sendable () async -> Void)? = nil
    ) async throws(Status) -> HTTPResponse {
        let options = try LogOptions(request, now: time.now())
        let (runtime, id) = (runtime, container.id)
        let reader = LogReader(
            path: container.logPath, options: options, threads: threads, events: events,
            ended: ended ?? { await runtime.waitForEnd(of: id) })
        do throws(KernelError) {
            try await reader.open()
        } catch {
            throw .internalError("log of \(name): \(error)")
        }
        let stream = ByteStream(
            next: { try await reader.next() }, cancel: { Task { await reader.close() } })
        return HTTPResponse(
            200, headers: ["Content-Type": "text/plain"],
            body: .stream(options.isFollowing ? stream.endless : stream))
    }

    /// An exec, or an attach.
    /// - Parameter difference: of an exec. None of it comes from the request, which may be anybody's who may run commands in pods.
    package func session(
        _ request: HTTPRequest, in container: ContainerStatus, named name: String, isAttach: Bool,
        difference: ExecDifference = ExecDifference()
    ) throws(Status) -> HTTPResponse {
        guard container.state == .running else { throw .badRequest("\(name) is not running") }
        var session = ExecRequest(container: container.id)
        session.command = isAttach ? [] : request.query.filter { $0.name == "command" }.map(\.value)
        guard isAttach || !session.command.isEmpty else { throw .badRequest("you must specify a command to exec") }
        session.difference = difference
        session.terminal = request.isSet("tty")
        session.standardInput = request.isSet("stdin") || request.isSet("input")
        session.standardOutput = request.isSet("stdout") || request.isSet("output")
        session.standardError = (request.isSet("stderr") || request.isSet("error")) && !session.terminal
        let runtime = runtime
        return try RemoteCommand.answer(request, session, time: time) { [session] () async throws(CRIError) in
            isAttach ? try await runtime.attach(session) : try await runtime.exec(session)
        }
    }
}

extension RuntimeService {
    /// Returns when a container does not run (any more), when the runtime does not say whether it does, or when the task is cancelled.
    func waitForEnd(of container: String) async {
        while !Task.isCancelled {
            let events = containerEvents()
            do throws(CRIError) {
                guard try await containerStatus(container).state == .running else { return }
            } catch {
                guard case .notFound = error else {
                    return Logger(label: "swiftlet.logs").warning(
                        "a container's end is not waited for",
                        metadata: ["container": "\(container)", "cause": "\(error)"])
                }
                return
            }
            for await event in events where event.container == container && event.kind != .started { break }
        }
    }
}

extension HTTPRequest {
    fileprivate func isSet(_ name: String) -> Bool {
        ["1", "true"].contains(query(name))
    }
}
