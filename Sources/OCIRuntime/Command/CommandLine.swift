/// The words of a call, read as runc and crun read theirs: `--name value`, `--name=value`, `-n value`, `-name value`,
/// and flags of one letter together, the last of which may be an option with a value.
struct Arguments {
    /// What a verb or the program itself takes.
    struct Grammar {
        /// Options with a value, by every spelling; the first is the name it is kept under.
        var values: [[String]] = []
        var flags: [[String]] = []
        /// Options end with the first word that is none, because what follows belongs to somebody else.
        var stopsAtWord = false

        func knows(_ name: String) -> Bool { (values + flags).contains { $0.contains(name) } }
    }

    private struct Option {
        var name: String
        var value: String
    }

    private var values: [Option] = []
    private var flags: [String] = []
    private(set) var words: [String] = []

    init(_ arguments: ArraySlice<String>, _ grammar: Grammar) throws(OCIRuntimeError) {
        var rest = arguments
        while let argument = rest.popFirst() {
            if argument == "--" {
                words += rest
                return
            }
            guard argument.hasPrefix("-"), argument != "-" else {
                words.append(argument)
                if grammar.stopsAtWord {
                    words += rest
                    return
                }
                continue
            }
            try read(argument, &rest, grammar)
        }
    }

    private mutating func read(
        _ argument: String, _ rest: inout ArraySlice<String>, _ grammar: Grammar
    ) throws(OCIRuntimeError) {
        let text = argument.drop { $0 == "-" }
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let name = parts.first ?? ""
        if let spellings = grammar.flags.first(where: { $0.contains(name) }) {
            let isOff = parts.count > 1 && ["false", "0"].contains(parts[1])
            if !isOff { flags.append(spellings[0]) }
        } else if let spellings = grammar.values.first(where: { $0.contains(name) }) {
            guard let value = parts.count > 1 ? parts[1] : rest.popFirst() else {
                throw .usage("option \(argument) needs a value")
            }
            values.append(Option(name: spellings[0], value: value))
        } else if !argument.hasPrefix("--"), name.count > 1, name.dropLast().allSatisfy(isShortFlag(grammar)),
            grammar.knows(String(name.suffix(1)))
        {
            for letter in name.dropLast() { try read("-\(letter)", &rest, grammar) }
            try read("-" + text.dropFirst(name.count - 1), &rest, grammar)
        } else {
            throw .usage("unknown option \(argument)")
        }
    }

    private func isShortFlag(_ grammar: Grammar) -> (Character) -> Bool {
        { letter in grammar.flags.contains { $0.contains(String(letter)) } }
    }

    subscript(name: String) -> String? { values.last { $0.name == name }?.value }
    func all(_ name: String) -> [String] { values.filter { $0.name == name }.map { $0.value } }
    func has(_ flag: String) -> Bool { flags.contains(flag) }

    /// A number; an error where it is none.
    func number<Number: FixedWidthInteger>(_ name: String) throws(OCIRuntimeError) -> Number? {
        guard let text = self[name] else { return nil }
        guard let value = Number(text) else { throw .usage("--\(name) \(text): it must be a whole number") }
        return value
    }

    /// The container's id, and so many words beside it at most.
    func container(_ most: Int = 0) throws(OCIRuntimeError) -> String {
        guard let id = words.first, !id.isEmpty else { throw .noContainer }
        guard words.count <= 1 + most else { throw .usage("unexpected argument \"\(words[1 + most])\"") }
        return id
    }
}
