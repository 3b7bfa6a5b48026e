import HTTP

/// One entry of an Accept header: a media type and its parameters, names in lower case.
struct AcceptedType: Sendable, Hashable {
    var type: String
    var parameters: [String: String]
    private var quality: Double

    private init?(_ text: Substring) {
        let parts = text.split(separator: ";").map { $0.trimmed }
        guard let first = parts.first, !first.isEmpty else { return nil }
        type = first.lowercased()
        parameters = [:]
        quality = 1
        for part in parts.dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2 else { continue }
            parameters[pair[0].trimmed.lowercased()] = String(pair[1].trimmed)
        }
        if let text = parameters.removeValue(forKey: "q") { quality = Double(text) ?? 0 }
    }

    /// What the client accepts, best first; entries past the 32nd are not looked at. No header means anything.
    static func all(_ headers: HTTPHeaders) -> [AcceptedType] {
        let text = headers.values("Accept").joined(separator: ",")
        let entries = text.split(separator: ",").prefix(32).compactMap(AcceptedType.init).filter { $0.quality > 0 }
        if entries.isEmpty, let anything = AcceptedType("*/*") { return [anything] }
        return entries.enumerated().sorted {
            ($1.element.quality, $0.offset) < ($0.element.quality, $1.offset)
        }.map(\.element)
    }

    /// Whether plain JSON answers this entry.
    var isJSON: Bool {
        ["application/json", "application/*", "*/*"].contains(type)
    }
}

extension Substring {
    /// Without spaces and tabs at the ends.
    var trimmed: Substring {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        var text = drop(while: isBlank)
        while let last = text.last, isBlank(last) { text.removeLast() }
        return text
    }
}
