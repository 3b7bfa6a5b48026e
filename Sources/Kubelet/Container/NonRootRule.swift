import CRI
import KubernetesAPI

/// `runAsNonRoot`, judged before a container is made, in upstream's words. Pure.
enum NonRootRule {
    /// Whether the image's own user must be looked at.
    static func needsImage(_ container: Container, _ pod: Pod) -> Bool {
        isAsked(container, pod) && user(container, pod) == nil
    }

    /// Why the container may not run; nil where it may.
    static func fault(_ container: Container, of pod: Pod, image: Image?) -> String? {
        guard isAsked(container, pod) else { return nil }
        let place = "(pod: \"\(pod.metadata.logName)\", container: \(container.name))"
        if let user = user(container, pod) {
            return user == 0 ? "container's runAsUser breaks non-root policy \(place)" : nil
        }
        if let user = image?.user, user != 0 { return nil }
        let name = image?.user == nil ? image?.userName ?? "" : ""
        if !name.isEmpty {
            return
                "container has runAsNonRoot and image has non-numeric user (\(name)), cannot verify user is non-root \(place)"
        }
        return "container has runAsNonRoot and image will run as root \(place)"
    }

    private static func isAsked(_ container: Container, _ pod: Pod) -> Bool {
        container.securityContext?.runAsNonRoot ?? pod.spec.securityContext.runAsNonRoot ?? false
    }

    private static func user(_ container: Container, _ pod: Pod) -> Int64? {
        container.securityContext?.runAsUser ?? pod.spec.securityContext.runAsUser
    }
}
