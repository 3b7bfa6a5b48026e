/// AppArmor profiles were annotations before they were fields (Kubernetes 1.30): `runtime/default`, `unconfined`, `localhost/NAME`.
extension Pod {
    /// Followed by a container's name.
    package static let appArmorAnnotation = "container.apparmor.security.beta.kubernetes.io/"

    /// What holds for a container: its own field, its annotation, the pod's field. Nil where nothing is said.
    package func appArmorProfile(of container: Container) -> AppArmorProfile? {
        let annotation = self.metadata.annotations[Self.appArmorAnnotation + container.name]
        return container.securityContext?.appArmorProfile ?? annotation.flatMap(AppArmorProfile.init(annotation:))
            ?? self.spec.securityContext.appArmorProfile
    }

    /// Whether one of its containers is to be confined, be it by the runtime's own profile.
    package var needsAppArmor: Bool {
        (self.spec.initContainers + self.spec.containers).contains { container in
            appArmorProfile(of: container).map { $0.type != "Unconfined" } ?? false
        }
    }
}

extension AppArmorProfile {
    private static let localhost = "localhost/"

    /// Nil for a text that names none.
    package init?(annotation: String) {
        self.init(storage: [:])
        switch annotation {
        case "runtime/default": self.type = "RuntimeDefault"
        case "unconfined": self.type = "Unconfined"
        default:
            let name = annotation.hasPrefix(Self.localhost) ? annotation.dropFirst(Self.localhost.count) : ""
            if name.isEmpty { return nil }
            self.type = "Localhost"
            self.localhostProfile = String(name)
        }
    }

    package var annotation: String {
        switch self.type {
        case "Localhost": Self.localhost + (self.localhostProfile ?? "")
        case "Unconfined": "unconfined"
        default: "runtime/default"
        }
    }
}
