import CRI
import JSONTree

/// A container of `swiftlet run` keeps the id of its first attempt, however often it is started again: its users see no other.
extension ContainerStatus {
    /// On each later attempt.
    static let firstIDLabel = "swiftlet.dev/first-id"

    /// Its own where another version has made it.
    var shownID: String { metadata.attempt == 0 ? id : labels[Self.firstIDLabel] ?? id }
}

extension RunContainers.Run {
    /// Whether its id, or its present attempt's own, begins so.
    func hasID(_ prefix: String) -> Bool {
        guard let container, !prefix.isEmpty else { return false }
        return container.shownID.hasPrefix(prefix) || container.id.hasPrefix(prefix)
    }

    /// What the node's socket shows of its present attempt. It was made when the first was.
    func json(of attempt: ContainerStatus) -> JSONValue {
        guard var object = attempt.json.object else { return attempt.json }
        if attempt.shownID != attempt.id {
            object["id"] = .string(attempt.shownID)
            object["attemptId"] = .string(attempt.id)
        }
        object["createdAt"] = .integer(sandbox.createdAt)
        object["restarts"] = .integer(attempt.labels[RunContainers.restartsLabel].flatMap { Int64($0) } ?? 0)
        object["restart"] = spec.map { .string($0.restart.description) }
        if isToRestart { object["restarting"] = true }
        return .object(object)
    }
}
