import KubernetesAPI

/// A pod as the command line names it: `NAME`, `NAMESPACE/NAME`, and either with `pod/` before it.
///
/// Two parts whose first is `pod`, `pods` or `po` are a kind and a name; a namespace of such a name is written `pod/NAMESPACE/NAME`.
package struct PodName: Sendable, Hashable, CustomStringConvertible {
    package let namespace: String
    package let name: String

    package init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }

    /// - Parameter namespace: given apart from the name; nil: the name's own, else `default`.
    package init(_ text: String, namespace: String? = nil) throws(DaemonError) {
        var parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if parts.count > 1, ["pod", "pods", "po"].contains(parts[0]) { parts.removeFirst() }
        guard (1...2).contains(parts.count), parts.allSatisfy(Self.isName), namespace.map(Self.isName) ?? true else {
            throw DaemonError("\"\(text)\" names no pod; write NAME, NAMESPACE/NAME or pod/NAME")
        }
        guard parts.count == 1 || namespace == nil || namespace == parts[0] else {
            throw DaemonError("\"\(text)\" says one namespace and --namespace another")
        }
        self.init(namespace: parts.count == 2 ? parts[0] : namespace ?? "default", name: parts[parts.count - 1])
    }

    package var description: String { "\(namespace)/\(name)" }

    /// What to add where no such pod is found and the text reads like another kind and a name: `deploy/web`; else "".
    package var hint: String {
        let kind = namespace.split(separator: ".").first.map(String.init) ?? ""
        guard Self.otherKinds.contains(kind) else { return "" }
        return "; this command knows pods only, and \(kind) is another kind"
    }

    /// All names of kinds, those that are not served included.
    private static let otherKinds: Set<String> = {
        let served = Kinds.all.map(\.kind).filter { $0.kind != "Pod" }
        let names = served.flatMap { [$0.plural, $0.kind.lowercased()] + $0.shortNames }
        let others = [
            "statefulset", "statefulsets", "sts", "daemonset", "daemonsets", "ds", "job", "jobs", "cronjob", "cronjobs",
            "cj",
        ]
        return Set(names + others)
    }()

    /// Whether the text can be the name of a pod or namespace (RFC 1123), and so is safe in a path.
    static func isName(_ text: String) -> Bool {
        let letters = text.utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
        }
        return letters && (1...253).contains(text.utf8.count) && !text.hasPrefix(".")
    }
}
