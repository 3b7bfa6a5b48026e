import APIMachinery
import CRI
import HTTP
import JSONTree

extension RunEndpoint {
    /// A command that goes on without whoever asked for it, until it ends or the container does. Answers when its program runs.
    func begin(
        _ request: HTTPRequest, in container: ContainerStatus, of run: RunContainers.Run
    ) async throws(Status) -> HTTPResponse {
        guard run.isRunning else { throw .badRequest("container \(run.name) does not run") }
        var command = ExecRequest(container: container.id, standardOutput: false, standardError: false)
        command.command = request.query.filter { $0.name == "command" }.map(\.value)
        command.difference = ExecDifference(request.query)
        let answer: JSONValue = try await Status.ofRuntime { [command] () async throws(CRIError) in
            do throws(CRIError) {
                _ = try await runtime.exec(command)
                return [:]
            } catch .startFailed(let message, let code) {
                return ["message": .string(message), "exitCode": .integer(Int64(code))]
            }
        }
        return HTTPResponse(answer)
    }
}
