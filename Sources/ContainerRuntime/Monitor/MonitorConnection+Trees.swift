import Glibc
import Linux
import PodMonitor

extension MonitorConnection {
    /// Sends those of a container's descriptors that its `create` cannot carry, the first ones, in messages of their own.
    /// - Returns: how many.
    func sendAhead(
        _ descriptors: inout [SharedDescriptor], of container: String
    ) async throws(PodMonitorError) -> Int {
        let count = descriptors.count
        while descriptors.count > MonitorLimit.descriptors {
            let part = Array(descriptors.prefix(MonitorLimit.descriptors))
            do throws(PodMonitorError) {
                _ = try await request(.trees, operation: "send mounts to", id: container, descriptors: part) {
                    $0.append(bytes: Array(container.utf8))
                }
            } catch .kernel(let error) where error.code == EBADMSG {
                throw .limit(
                    id: container,
                    of:
                        "mounts of images, of paths within volumes and of labelled paths: \(count), and a pod that an earlier version began takes "
                        + "\(MonitorLimit.descriptors - 1); make the pod anew")
            }
            descriptors.removeFirst(part.count)
        }
        return count - descriptors.count
    }
}
