import JSONTree

/// What `--filter` leaves of a list, in docker's words: NAME=VALUE each. Of several values of one name one has to hold, of labels all; all names have to.
package struct ListFilter: Sendable, Hashable {
    private var values: [String: [String]] = [:]

    /// - Parameter names: those that there are.
    init(_ words: [String], names: [String]) throws(DaemonError) {
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, names.contains(parts[0]), !parts[1].isEmpty else {
                let known = names.map { "\($0)=VALUE" }
                throw DaemonError("--filter \(word): there are \(known.joined(separator: ", "))")
            }
            values[parts[0], default: []].append(parts[1])
        }
    }

    private func one(_ name: String, _ holds: (String) -> Bool) -> Bool {
        values[name]?.contains(where: holds) ?? true
    }

    // MARK: - Of containers

    private static let states = ["created", "running", "restarting", "exited", "unknown"]

    package static func containers(_ words: [String]) throws(DaemonError) -> ListFilter {
        let filter = try ListFilter(words, names: ["name", "id", "status", "exited", "label", "ancestor"])
        if let state = filter.values["status"]?.first(where: { !states.contains($0) }) {
            throw DaemonError("--filter status=\(state): there are \(states.joined(separator: ", "))")
        }
        if let code = filter.values["exited"]?.first(where: { Int64($0) == nil }) {
            throw DaemonError("--filter exited=\(code): write an exit code")
        }
        return filter
    }

    /// Then those too are meant that do not run.
    package var asksForState: Bool { values["status"] != nil || values["exited"] != nil }

    package func holds(container: JSONValue) -> Bool {
        let (name, labels) = (NodeView.shownName(of: container), container["labels"])
        let isLabelled = (values["label"] ?? []).allSatisfy { text in
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return labels?[parts[0]]?.string.map { parts.count == 1 || $0 == parts[1] } ?? false
        }
        return isLabelled && one("name") { Self.matches($0, name) }
            && one("id") { container["id"]?.string?.hasPrefix($0) ?? false }
            && one("status") { NodeView.state(of: container) == $0 }
            && one("exited") { container["state"]?.string == "exited" && container["exitCode"]?.integer == Int64($0) }
            && one("ancestor") { Self.isImage($0, of: container) }
    }

    /// A part of the name; with docker's `^` its beginning and with `$` its end.
    private static func matches(_ text: String, _ name: String) -> Bool {
        var part = text[...]
        let (begins, ends) = (part.hasPrefix("^"), part.hasSuffix("$"))
        if begins { part = part.dropFirst() }
        if ends { part = part.dropLast() }
        if part.hasPrefix("/") { part = part.dropFirst() }
        switch (begins, ends) {
        case (true, true): return name == part
        case (true, false): return name.hasPrefix(part)
        case (false, true): return name.hasSuffix(part)
        case (false, false): return name.contains(part)
        }
    }

    private static func isImage(_ text: String, of object: JSONValue) -> Bool {
        let id = object["imageRef"]?.string ?? ""
        return object["image"]?.string == text || id == text || text.utf8.count >= 12 && id.hasPrefix("sha256:" + text)
    }

    // MARK: - Of events

    private static let actions = [
        "created", "started", "stopped", "deleted", "added", "removed", "tagged", "untagged",
    ]
    private static let dockersActions = [
        "create": "created", "start": "started", "die": "stopped", "destroy": "deleted",
    ]

    package static func events(_ words: [String]) throws(DaemonError) -> ListFilter {
        let filter = try ListFilter(words, names: ["type", "event", "container", "image"])
        let types = ["container", "sandbox", "image"]
        if let type = filter.values["type"]?.first(where: { !types.contains($0) }) {
            throw DaemonError("--filter type=\(type): there are \(types.joined(separator: ", "))")
        }
        if let action = filter.values["event"]?.first(where: { !actions.contains(dockersActions[$0] ?? $0) }) {
            throw DaemonError("--filter event=\(action): there are \(actions.joined(separator: ", "))")
        }
        return filter
    }

    package func holds(event: JSONValue) -> Bool {
        let (kind, name, id) = (event["kind"]?.string, event["name"]?.string ?? "", event["id"]?.string ?? "")
        return one("type") { kind == $0 } && one("event") { event["action"]?.string == Self.dockersActions[$0] ?? $0 }
            && one("container") { text in
                // a namespace, a pod, a container, or several of these in a row
                kind == "container" && ("/\(name)/".contains("/\(text)/") || id.hasPrefix(text))
            }
            && one("image") { kind == "image" ? name == $0 || id == $0 : event["image"]?.string == $0 }
    }
}
