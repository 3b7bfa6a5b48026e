import APIMachinery

extension Selection {
    /// Reads the selectors of a list or watch. Throws 400 where one cannot be read, or names a field that the resource does not offer.
    init(_ options: ListOptions, namespace: String?, format: WireFormat) throws(Status) {
        self.init(namespace: namespace)
        labels = try LabelQuery(options.labelSelector)
        for requirement in try Self.fieldRequirements(options.fieldSelector) {
            try add(requirement, format)
        }
    }

    private struct FieldText {
        var field: String
        var value: String
        var isEqual: Bool
    }

    private mutating func add(_ requirement: FieldText, _ format: WireFormat) throws(Status) {
        let (value, isEqual) = (requirement.value, requirement.isEqual)
        switch requirement.field {
        case "metadata.name":
            if isEqual, name == nil {
                name = value
            } else {
                keyRequirements.append(.init(part: .name, value: value, isEqual: isEqual))
            }
        case "metadata.namespace":
            keyRequirements.append(.init(part: .namespace, value: value, isEqual: isEqual))
        default:
            guard let index = format.selectableFields.firstIndex(where: { $0.text == requirement.field }) else {
                throw .badRequest("field label not supported: \(requirement.field)")
            }
            fields.append(.init(index: index, value: value, isEqual: isEqual))
        }
    }

    /// `a=b,c!=d`; a backslash escapes a comma, an equals sign or itself in a value.
    private static func fieldRequirements(_ text: String) throws(Status) -> [FieldText] {
        var requirements: [FieldText] = []
        for term in split(text) where !term.isEmpty {
            guard let equals = term.firstIndex(of: "=") else {
                throw .badRequest("invalid selector: '\(text)'; can't understand '\(term)'")
            }
            var field = term[..<equals]
            var value = term[term.index(after: equals)...]
            let isEqual = field.last != "!"
            if !isEqual { field.removeLast() }
            if isEqual, value.first == "=" { value.removeFirst() }
            requirements.append(
                FieldText(field: String(field.trimmed), value: unescaped(value.trimmed), isEqual: isEqual))
        }
        return requirements
    }

    private static func split(_ text: String) -> [String] {
        var terms = [""]
        var isEscaped = false
        for character in text {
            if character == ",", !isEscaped {
                terms.append("")
            } else {
                terms[terms.count - 1].append(character)
            }
            isEscaped = character == "\\" && !isEscaped
        }
        return terms
    }

    private static func unescaped(_ text: Substring) -> String {
        var result = ""
        var isEscaped = false
        for character in text {
            if character == "\\", !isEscaped {
                isEscaped = true
            } else {
                result.append(character)
                isEscaped = false
            }
        }
        return result
    }
}
