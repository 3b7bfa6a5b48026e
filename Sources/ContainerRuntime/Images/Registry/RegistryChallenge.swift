/// How a registry wants to be told who asks: one challenge of a `WWW-Authenticate` field (RFC 9110, 11.6.1).
enum RegistryChallenge: Sendable, Hashable {
    case basic
    /// A token is to be fetched from `realm` for `service` and `scope`.
    case bearer(realm: String, service: String, scope: String)

    /// The first of the fields that can be answered, bearer before basic.
    static func first(of fields: [String]) -> RegistryChallenge? {
        let found = fields.compactMap { RegistryChallenge($0) }
        return found.first { $0 != .basic } ?? found.first
    }

    init?(_ field: String) {
        let space = field.firstIndex(of: " ") ?? field.endIndex
        let scheme = field[..<space].lowercased()
        if scheme == "basic" {
            self = .basic
            return
        }
        guard scheme == "bearer" else { return nil }
        let parameters = Self.parameters(field[space...])
        guard let realm = parameters["realm"] else { return nil }
        self = .bearer(realm: realm, service: parameters["service"] ?? "", scope: parameters["scope"] ?? "")
    }

    /// `name="value"` and `name=value` between commas; commas within quotes belong to the value.
    private static func parameters(_ text: Substring) -> [String: String] {
        var result: [String: String] = [:]
        var rest = text.drop { $0 == " " || $0 == "," }
        while let equals = rest.firstIndex(of: "=") {
            let name = rest[..<equals].lowercased()
            rest = rest[rest.index(after: equals)...]
            var value = ""
            if rest.first == "\"" {
                rest = rest.dropFirst()
                while let character = rest.popFirst(), character != "\"" {
                    value.append(character == "\\" ? rest.popFirst() ?? "\\" : character)
                }
            } else {
                let end = rest.firstIndex { $0 == "," || $0 == " " } ?? rest.endIndex
                value = String(rest[..<end])
                rest = rest[end...]
            }
            result[name] = value
            rest = rest.drop { $0 == " " || $0 == "," }
        }
        return result
    }
}
