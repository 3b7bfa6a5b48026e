/// Whose timeline it is; the name of its file says it: `<namespace>_<name>_<uid>.jsonl`. No part can hold a `_` or a `/`.
package struct TimelinePod: Sendable, Hashable {
    package let name: PodName
    package let uid: String

    /// nil where a part cannot be in a file's name.
    package init?(namespace: String, name: String, uid: String) {
        guard PodName.isName(namespace), PodName.isName(name), Self.isUID(uid),
            namespace.utf8.count + name.utf8.count + uid.utf8.count < 240
        else { return nil }
        self.name = PodName(namespace: namespace, name: name)
        self.uid = uid
    }

    package init?(fileName: String) {
        guard fileName.hasSuffix(".jsonl") else { return nil }
        let parts = fileName.dropLast(".jsonl".count).split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        self.init(namespace: String(parts[0]), name: String(parts[1]), uid: String(parts[2]))
    }

    package var fileName: String { "\(directoryName).jsonl" }
    /// The name of the directory of its logs, which is Kubernetes' own form.
    package var directoryName: String { "\(name.namespace)_\(name.name)_\(uid)" }

    private static func isUID(_ text: String) -> Bool {
        PodName.isName(text.lowercased()) && text.utf8.count <= 64
    }
}
