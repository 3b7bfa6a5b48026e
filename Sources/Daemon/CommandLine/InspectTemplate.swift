import APIMachinery
import JSONTree

/// How `swiftlet inspect --format` prints a document: `json`, or text with paths into it, such as `{{.state}}`, `{{.containers.0.id}}`, `{{json .labels}}` and
/// `{{index .labels "NAME"}}`. Of one container these are its own too, with what `ps --format` takes and docker's paths to what is here, which an image has as well.
package struct InspectTemplate: Sendable, Hashable {
    private enum Piece: Sendable, Hashable {
        case text(String)
        /// As the action has it, for messages; by keys, and numbers in lists.
        case path(String, [String], isJSON: Bool)
        case listed(String, ListTemplate)
    }

    private let pieces: [Piece]

    package init(_ text: String) throws(DaemonError) {
        guard text != "json" else {
            pieces = [.path("json .", [], isJSON: true)]
            return
        }
        guard let parts = TemplateText.parts(TemplateText.unescaped(text)) else { throw Self.refusal(text) }
        pieces = try parts.map { part throws(DaemonError) in
            switch part {
            case .text(let text): return .text(text)
            case .action(let action):
                guard let piece = Self.piece(action) else { throw Self.refusal(text) }
                return piece
            }
        }
    }

    private static func piece(_ action: String) -> Piece? {
        let words = action.split(separator: " ").map(String.init)
        if words.count == 2, words[0] == "json" { return keys(words[1]).map { .path(action, $0, isJSON: true) } }
        if words.count > 2, words[0] == "index" {
            let further = words.dropFirst(2).compactMap { $0.hasPrefix("\"") ? unquoted($0) : UInt($0).map { "\($0)" } }
            guard further.count == words.count - 2 else { return nil }
            return keys(words[1]).map { .path(action, $0 + further, isJSON: false) }
        }
        if let listed = try? ListTemplate("{{\(action)}}") { return .listed(action, listed) }
        guard words.count == 1, words[0] != "." else { return nil }
        return keys(words[0]).map { .path(action, $0, isJSON: false) }
    }

    /// Nil for what is no path.
    private static func keys(_ path: String) -> [String]? {
        guard path.hasPrefix(".") else { return nil }
        guard path != "." else { return [] }
        let keys = path.dropFirst().split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let isPath = keys.allSatisfy { !$0.isEmpty && $0.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" } }
        return isPath ? keys : nil
    }

    private static func unquoted(_ word: String) -> String? {
        word.utf8.count > 2 && word.hasSuffix("\"") ? String(word.dropFirst().dropLast()) : nil
    }

    private static func refusal(_ text: String) -> DaemonError {
        DaemonError(
            "--format \(text): there are json, {{.PATH}}, {{json .PATH}}, {{index .PATH \"NAME\"}} and what `ps --format` takes; "
                + "a path is as `swiftlet inspect` shows it, such as {{.containers.0.state}}")
    }

    /// A line, or what the template makes of it.
    /// - Throws: where something that it names is not there.
    package func text(of document: JSONValue, now: Timestamp) throws(DaemonError) -> String {
        let container = Self.container(of: document)
        return try pieces.map { piece throws(DaemonError) in
            switch piece {
            case .text(let text): return text
            case .path(let action, let keys, let isJSON):
                let value =
                    Self.value(keys, in: document) ?? container.flatMap { Self.value(keys, in: $0) }
                    ?? container.flatMap { Self.value(keys, in: Self.dockers($0)) }
                    ?? Self.value(keys, in: Self.dockers(image: document))
                guard let value else { throw Self.absence(action) }
                if !isJSON, let text = value.string { return text }
                return String(decoding: value.encoded(), as: UTF8.self)
            case .listed(let action, let template):
                guard let container else { throw Self.absence(action) }
                return String(template.text([container], now: now, isWhole: true).dropLast())
            }
        }.joined() + "\n"
    }

    private static func absence(_ action: String) -> DaemonError {
        DaemonError("--format {{\(action)}}: it has none; `swiftlet inspect` without --format shows what it has")
    }

    /// It, or the only one in it.
    private static func container(of document: JSONValue) -> JSONValue? {
        if document["podSandboxId"] != nil { return document }
        let containers = document["containers"]?.array ?? []
        return containers.count == 1 ? containers[0] : nil
    }

    private static func value(_ keys: [String], in document: JSONValue) -> JSONValue? {
        keys.reduce(document) { (value: JSONValue?, key) in
            guard let list = value?.array else { return value?[key] }
            return Int(key).flatMap { list.indices.contains($0) ? list[$0] : nil }
        }
    }

    /// Where docker has it.
    private static func dockers(_ container: JSONValue) -> JSONValue {
        let (state, reason) = (NodeView.state(of: container), container["reason"]?.string ?? "")
        var policy: JSONValue?
        if let text = container["restart"]?.string, let restart = RestartPolicy(text) {
            var times = Int64(0)
            if case .onFailure(let most?) = restart { times = Int64(most) }
            policy = [
                "Name": .string(text.split(separator: ":").first.map(String.init) ?? text),
                "MaximumRetryCount": .integer(times),
            ]
        }
        var object: JSONObject = [
            "HostConfig": .object(policy.map { ["RestartPolicy": $0] } ?? [:]),
            "Id": container["id"] ?? .null, "Name": .string("/" + NodeView.shownName(of: container)),
            "Created": time(container["createdAt"]),
            "State": [
                "Status": .string(state), "Running": .bool(state == "running"),
                "Restarting": .bool(state == "restarting"), "OOMKilled": .bool(reason == "OOMKilled"),
                "ExitCode": container["exitCode"] ?? .null, "Pid": container["pid"] ?? .null,
                "Error": container["message"] ?? .null, "StartedAt": time(container["startedAt"]),
                "FinishedAt": time(container["finishedAt"]),
            ],
            "Config": ["Image": container["image"] ?? .null, "Labels": container["labels"] ?? .null],
            "LogPath": container["logPath"] ?? .null,
            "NetworkSettings": ["IPAddress": container["addresses"]?.array?.first ?? ""],
        ]
        object["RestartCount"] = container["restarts"] ?? container["metadata"]?["attempt"]
        return .object(object)
    }

    private static func dockers(image: JSONValue) -> JSONValue {
        guard image["repoTags"] != nil else { return .null }
        let file = image["imageSpec"]
        var object: JSONObject = [
            "Id": image["id"] ?? .null, "RepoTags": image["repoTags"] ?? .null,
            "RepoDigests": image["repoDigests"] ?? .null, "Size": image["size"] ?? .null,
        ]
        object["Config"] = file?["config"]
        object["Created"] = file?["created"]
        object["Architecture"] = file?["architecture"]
        object["Os"] = file?["os"]
        return .object(object)
    }

    private static func time(_ nanoseconds: JSONValue?) -> JSONValue {
        .string(Timestamp(seconds: (nanoseconds?.integer ?? 0) / 1_000_000_000).description)
    }
}
