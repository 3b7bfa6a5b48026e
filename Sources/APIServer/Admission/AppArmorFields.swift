import APIMachinery
import JSONTree
import KubernetesAPI

/// Keeps the fields of AppArmor profiles and the annotations that were before them the same in new pods, for readers of either.
struct AppArmorFields: AdmissionRule {
    func mutate(_ object: inout JSONObject, old: JSONObject?, _ request: AdmissionRequest) throws(Status) {
        guard request.operation == .create, request.concerns("", "pods"), request.subresource == nil else { return }
        let shared = Self.profile(object["spec"])
        var annotations = object["metadata"]?["annotations"]?.object ?? JSONObject()
        for list in ["initContainers", "containers"] {
            guard var containers = object["spec"]?[list]?.array else { continue }
            for index in containers.indices { Self.level(&containers[index], &annotations, shared) }
            object["spec", list] = .array(containers)
        }
        if !annotations.isEmpty { object["metadata", "annotations"] = .object(annotations) }
    }

    /// An annotation without a field becomes one, a field without an annotation writes it; the pod's own counts for all.
    private static func level(_ container: inout JSONValue, _ annotations: inout JSONObject, _ shared: AppArmorProfile?)
    {
        guard var fields = container.object, let name = fields["name"]?.string else { return }
        let key = Pod.appArmorAnnotation + name
        let own = profile(container)
        guard let annotation = annotations[key]?.string else {
            if let profile = own ?? shared { annotations[key] = .string(profile.annotation) }
            return
        }
        guard own == nil, let read = AppArmorProfile(annotation: annotation), annotation != shared?.annotation else {
            return
        }
        fields["securityContext", "appArmorProfile"] = .object(read.storage)
        container = .object(fields)
    }

    private static func profile(_ owner: JSONValue?) -> AppArmorProfile? {
        owner?["securityContext"]?["appArmorProfile"]?.object.map { AppArmorProfile(storage: $0) }
    }
}
