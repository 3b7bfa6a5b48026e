import APIMachinery
import JSONTree

/// How `swiftlet ps --format` prints a container: `json`, or text with docker's fields in it, such as `{{.Names}}`; after the word `table` as columns with
/// titles, which a tab parts.
package struct ListTemplate: Sendable, Hashable {
    private enum Piece: Sendable, Hashable {
        case text(String)
        case field(String)
        case label(String)
        case json
    }

    private var pieces: [Piece] = []
    private var isTable = false

    private static let fields = [
        "ID", "Names", "Image", "Command", "State", "Status", "Ports", "Labels", "CreatedAt", "RunningFor", "PID",
    ]

    package init(_ text: String) throws(DaemonError) {
        guard text != "json" else {
            pieces = [.json]
            return
        }
        var rest = TemplateText.unescaped(text)[...]
        if rest.prefix("table".count).lowercased() == "table" {
            guard rest.hasPrefix("table ") else { throw Self.refusal(text) }
            isTable = true
            rest = rest.dropFirst("table ".count).drop { $0 == " " }
        }
        guard let parts = TemplateText.parts(rest) else { throw Self.refusal(text) }
        pieces = try parts.map { part throws(DaemonError) in
            switch part {
            case .text(let text): .text(text)
            case .action(let action): try Self.piece(action[...], of: text)
            }
        }
    }

    private static func piece(_ action: Substring, of text: String) throws(DaemonError) -> Piece {
        let words = action.split(separator: " ").map(String.init)
        switch words.count {
        case 1 where words[0].hasPrefix(".") && fields.contains(String(words[0].dropFirst())):
            return .field(String(words[0].dropFirst()))
        case 2 where words == ["json", "."]: return .json
        case 2 where words[0] == ".Label" && words[1].count > 2 && words[1].hasPrefix("\"") && words[1].hasSuffix("\""):
            return .label(String(words[1].dropFirst().dropLast()))
        default: throw refusal(text)
        }
    }

    private static func refusal(_ text: String) -> DaemonError {
        let known = fields.map { "{{.\($0)}}" }.joined(separator: " ")
        return DaemonError(
            "--format \(text): there are json, {{json .}}, {{.Label \"NAME\"}} and \(known); \"table \" before it makes columns"
        )
    }

    /// A line each.
    /// - Parameter isWhole: ids with all their digits.
    package func text(_ containers: [JSONValue], now: Timestamp, isWhole: Bool) -> String {
        guard isTable else {
            return containers.map { container in
                pieces.map { text(of: $0, container, now, isWhole) }.joined() + "\n"
            }.joined()
        }
        let titles = rows.map { Self.cells($0.map(Self.title).joined()) }
        let width = titles.map(\.count).max() ?? 0
        var table = TextTable(titles[0] + Array(repeating: "", count: width - titles[0].count))
        for row in titles.dropFirst() { table.add(row) }
        for container in containers {
            for row in rows { table.add(Self.cells(row.map { text(of: $0, container, now, isWhole) }.joined())) }
        }
        return table.text
    }

    /// The lines that the template itself parts.
    private var rows: [[Piece]] {
        var rows: [[Piece]] = [[]]
        for piece in pieces {
            guard case .text(let text) = piece else {
                rows[rows.count - 1].append(piece)
                continue
            }
            for (index, part) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                if index > 0 { rows.append([]) }
                rows[rows.count - 1].append(.text(String(part)))
            }
        }
        return rows
    }

    private static func cells(_ line: String) -> [String] {
        line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    }

    /// As docker has it.
    private static func title(_ piece: Piece) -> String {
        switch piece {
        case .text(let text): text
        case .json: "JSON"
        case .label(let name): name
        case .field("ID"): "CONTAINER ID"
        case .field("CreatedAt"): "CREATED AT"
        case .field("RunningFor"): "CREATED"
        case .field(let name): name.uppercased()
        }
    }

    private func text(of piece: Piece, _ container: JSONValue, _ now: Timestamp, _ isWhole: Bool) -> String {
        switch piece {
        case .text(let text): text
        case .json: String(decoding: container.encoded(), as: UTF8.self)
        case .label(let name): container["labels"]?[name]?.string ?? ""
        case .field(let name): field(name, container, now, isWhole)
        }
    }

    private func field(_ name: String, _ container: JSONValue, _ now: Timestamp, _ isWhole: Bool) -> String {
        let created = container["createdAt"]?.integer ?? 0
        return switch name {
        case "ID": NodeTables.id(container["id"], isWhole: isWhole)
        case "Names": NodeView.shownName(of: container)
        case "Image": container["image"]?.string ?? ""
        case "Command": ContainerText.command(container, isWhole: isWhole)
        case "Ports": ContainerText.ports(container)
        case "State": NodeView.state(of: container)
        case "Status": NodeTables.state(container)
        case "Labels":
            (container["labels"]?.object?.members ?? []).map { "\($0.key)=\($0.value.string ?? "")" }
                .joined(separator: ",")
        case "CreatedAt": Timestamp(seconds: created / 1_000_000_000).description
        case "RunningFor": Age.since(nanoseconds: created, now: now)
        default: NodeTables.process(container["pid"])
        }
    }
}
