import APIMachinery
import Client
import JSONTree
import KubernetesAPI

extension APIClient {
    /// Merges something into a pod's status. A pod that is gone needs none, nor one that another has followed; one that breaks today's rules
    /// can have none.
    func patchStatus(of pod: Pod, _ status: JSONValue) async throws(Status) {
        let body: JSONValue = ["metadata": ["uid": .string(pod.metadata.uid)], "status": status]
        do throws(Status) {
            let _: Pod = try await patch(
                Pod.self, pod.metadata.name, in: pod.metadata.namespace, subresource: "status", .strategicMerge, body)
        } catch {
            guard [.notFound, .conflict, .invalid].contains(where: error.isReason) else { throw error }
        }
    }
}
