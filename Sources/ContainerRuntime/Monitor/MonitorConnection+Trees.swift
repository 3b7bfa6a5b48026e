import Glibc
import Linux
import PodMonitor

extension MonitorConnection {
    /// Sends those of a container's descriptors that its `create` cannot carry, the first ones, in messages of their own, and creates it then. The monitor lets go of
    /// them with its answer to `create`, and is told to where there is none.
    /// - Parameters:
    ///   - trees: how many of them are mounts, the first ones.
    ///   - create: sends the message with the others, and returns its answer, whatever that says; it is told how many went before.
    func sendAhead(
        _ descriptors: [SharedDescriptor], trees: Int, of container: String,
        create: (_ ahead: Int, _ rest: [SharedDescriptor]) async throws(PodMonitorError) -> MonitorReply
    ) async throws(PodMonitorError) -> MonitorReply {
        var rest = descriptors
        do throws(PodMonitorError) {
            while rest.count > MonitorLimit.descriptors {
                _ = try await send(Array(rest.prefix(MonitorLimit.descriptors)), of: container)
                rest.removeFirst(MonitorLimit.descriptors)
            }
            return try await create(descriptors.count - rest.count, rest)
        } catch {
            if rest.count < descriptors.count { _ = try? await send([], of: container) }
            guard rest.count == descriptors.count, rest.count > MonitorLimit.descriptors,
                case .kernel(let cause) = error, cause.code == EBADMSG
            else { throw error }
            throw .limit(
                id: container,
                of:
                    "mounts of images, of paths within volumes and of labelled paths: \(trees), and a pod that an earlier version began takes "
                    + "\(MonitorLimit.descriptors - (descriptors.count - trees)); make the pod anew")
        }
    }

    /// None: the monitor lets go of what it has of the container.
    private func send(_ trees: [SharedDescriptor], of container: String) async throws(PodMonitorError) -> MonitorReply {
        try await request(.trees, operation: "send mounts to", id: container, descriptors: trees) {
            $0.append(bytes: Array(container.utf8))
        }
    }
}
