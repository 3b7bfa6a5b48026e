/// A scope unit and the slice that it lies in, as `cgroupsPath` names them: `slice:prefix:name` is `prefix-name.scope` in `slice`.
struct ScopeName: Sendable, Equatable {
    let slice: String
    let unit: String

    /// Nil and empty: a scope of the container's id. `isUser`: kept by the service manager of a user, not of the system.
    init(_ path: String?, id: String, isUser: Bool) throws(OCIRuntimeError) {
        let path = path.flatMap { $0.isEmpty ? nil : $0 } ?? ":swiftlet-oci:\(id)"
        let parts = path.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, !parts[2].isEmpty, !path.contains("/") else {
            throw ScopeName.refused(
                path, "it must be slice:prefix:name; without --systemd-cgroup it may be a path of directories")
        }
        slice = parts[0].isEmpty ? (isUser ? "user.slice" : "system.slice") : parts[0]
        guard slice.hasSuffix(".slice") else { throw ScopeName.refused(path, "the slice must end with .slice") }
        guard !parts[2].hasSuffix(".slice") else {
            throw ScopeName.refused(path, "a container is a scope and cannot be a slice")
        }
        let name = parts[1].isEmpty ? parts[2] : parts[1] + "-" + parts[2]
        unit = name.hasSuffix(".scope") ? name : name + ".scope"
    }

    private static func refused(_ path: String, _ cause: String) -> OCIRuntimeError {
        .unsupported(field: "linux.cgroupsPath", cause: "\"\(path)\": \(cause)")
    }
}
