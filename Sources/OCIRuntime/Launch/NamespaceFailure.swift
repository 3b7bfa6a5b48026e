import CLaunch
import Glibc
import Launch

/// Why a namespace of a bundle was not joined, in the configuration's words.
struct NamespaceFailure {
    let namespace: BundlePlan.Namespace
    let code: Int32

    var error: OCIRuntimeError { .unsupported(field: "linux.namespaces (\(namespace.kind.name))", cause: cause) }

    private var cause: String {
        guard let path = namespace.path else { return KernelError.text(of: code) }
        return "\(path): \(otherKind(of: path) ?? KernelError.text(of: code))"
    }

    /// What the path leads to where that is not what was asked for.
    private func otherKind(of path: String) -> String? {
        let found = crt_namespace_kind(path)
        if found == -ENOTTY { return "it leads to no namespace" }
        guard found > 0, let kind = NamespaceKind(rawValue: UInt32(found)), kind != namespace.kind else { return nil }
        return "it leads to a namespace of the kind \(kind.name)"
    }
}
