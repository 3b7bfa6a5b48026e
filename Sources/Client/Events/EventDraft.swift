import APIMachinery
import KubernetesAPI

package enum EventType: String, Sendable, Hashable {
    case normal = "Normal"
    case warning = "Warning"
}

/// Something that happened to an object, before it is an `Event`.
package struct EventDraft: Sendable, Hashable {
    package var object: ObjectReference
    package var type: EventType
    /// One CamelCase word.
    package var reason: String
    package var message: String

    package init(_ object: ObjectReference, _ type: EventType, reason: String, message: String) {
        self.object = object
        self.type = type
        self.reason = reason
        self.message = message
    }
}

extension APIObject {
    /// A reference to this object, for events and bindings; `fieldPath` names a part: `spec.containers{web}`.
    package func reference(fieldPath: String? = nil) -> ObjectReference {
        let metadata = metadata
        return ObjectReference {
            $0.apiVersion = Self.kind.apiVersion
            $0.kind = Self.kind.kind
            $0.name = metadata.name
            if !metadata.namespace.isEmpty { $0.namespace = metadata.namespace }
            if !metadata.uid.isEmpty { $0.uid = metadata.uid }
            if !metadata.resourceVersion.isEmpty { $0.resourceVersion = metadata.resourceVersion }
            $0.fieldPath = fieldPath
        }
    }
}
