import APIMachinery
import CRI
import HTTP
import Streaming

extension RunEndpoint {
    /// A session that ends with the container and its exit code. Whoever leaves before leaves the container as it is.
    func join(
        _ request: HTTPRequest, to container: ContainerStatus, of run: RunContainers.Run
    ) throws(Status) -> HTTPResponse {
        guard run.sandbox.isDetached else {
            throw .badRequest("container \(run.name) is joined to the command that runs it")
        }
        guard run.isRunning else { throw .badRequest("container \(run.name) does not run") }
        let hasInput = request.query("stdin") == "true"
        return try Self.session(request) { connection in
            let session = RemoteCommandSession(connection, time: time)
            do throws(CRIError) {
                let streams = try await runtime.attach(
                    ExecRequest(
                        container: container.id, terminal: container.hasTerminal, standardInput: hasInput,
                        standardError: !container.hasTerminal))
                if let status = await session.run(streams, signal: { _ in }) { await session.end(status) }
            } catch {
                await session.refuse(error)
            }
        }
    }
}
