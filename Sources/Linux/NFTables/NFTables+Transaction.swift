extension NFTables {
    /// One change of one table.
    package enum Operation: Hashable, Sendable {
        /// Makes the table; nothing happens where it exists.
        case addTable
        /// Deletes the table and all in it.
        case deleteTable
        case addChain(Chain)
        /// Deletes a chain to which nothing leads any more, with its rules.
        case deleteChain(String)
        /// Deletes the rules of a chain.
        case flushChain(String)
        /// Appends a rule to a chain.
        case addRule(chain: String, Rule)
        case addSet(NamedSet)
        case deleteSet(String)
        /// Elements of any number; an element that is there already with the same data is left alone.
        case addElements(set: NamedSet, [Element])
        /// Each element must be there.
        case deleteElements(set: NamedSet, [Element])
    }

    /// Changes of one table that happen all at once or not at all.
    package struct Transaction: Hashable, Sendable, CustomStringConvertible {
        package let table: String
        package var operations: [Operation] = []

        package init(table: String, _ operations: [Operation] = []) {
            self.table = table
            self.operations = operations
        }

        package var isEmpty: Bool { operations.isEmpty }

        /// Puts an empty table in place of whatever there was, whether or not it existed.
        package static func replacing(table: String) -> Transaction {
            Transaction(table: table, [.addTable, .deleteTable, .addTable])
        }

        package mutating func add(_ chain: Chain, _ rules: [Rule]) {
            operations.append(.addChain(chain))
            operations += rules.map { .addRule(chain: chain.name, $0) }
        }

        package mutating func addElements(_ set: NamedSet, _ elements: [Element]) {
            if !elements.isEmpty { operations.append(.addElements(set: set, elements)) }
        }

        package mutating func deleteElements(_ set: NamedSet, _ elements: [Element]) {
            if !elements.isEmpty { operations.append(.deleteElements(set: set, elements)) }
        }

        /// The lines of a file for `nft -f`. (Rules with a remembered destination have no form in its grammar and print
        /// in the same spirit.)
        package var description: String {
            operations.map { $0.text(table: table) }.joined(separator: "\n")
        }
    }
}

extension NFTables.Operation {
    /// One line of a rules file.
    func text(table: String) -> String {
        switch self {
        case .addTable: "add table ip \(table)"
        case .deleteTable: "delete table ip \(table)"
        case .addChain(let chain): "add chain ip \(table) \(chain.name)\(chain.base.map { " \($0)" } ?? "")"
        case .deleteChain(let name): "delete chain ip \(table) \(name)"
        case .flushChain(let name): "flush chain ip \(table) \(name)"
        case .addRule(let chain, let rule): "add rule ip \(table) \(chain) \(rule)"
        case .addSet(let set): "add \(set.word) ip \(table) \(set.name) { \(set.definition) }"
        case .deleteSet(let name): "delete set ip \(table) \(name)"
        case .addElements(let set, let elements): "add element ip \(table) \(set.name) { \(Self.list(elements)) }"
        case .deleteElements(let set, let elements): "delete element ip \(table) \(set.name) { \(Self.list(elements)) }"
        }
    }

    private static func list(_ elements: [NFTables.Element]) -> String {
        elements.map(\.description).joined(separator: ", ")
    }
}

extension NFTables.Chain.Base: CustomStringConvertible {
    package var description: String {
        "{ type \(kind.rawValue) hook \(hook.rawValue) priority \(priority) ; }"
    }
}

extension NFTables.Element: CustomStringConvertible {
    package var description: String {
        let left = Self.join(key)
        return switch data {
        case nil: left
        case .verdict(let verdict): "\(left) : \(verdict)"
        case .values(let values): "\(left) : \(Self.join(values))"
        }
    }

    static func join(_ values: [NFTables.Value]) -> String {
        values.map(\.description).joined(separator: " . ")
    }
}

extension NFTables.NamedSet {
    var word: String { data == nil ? "set" : "map" }

    var definition: String {
        var text = "typeof \(Self.join(key))"
        switch data {
        case nil: break
        case .verdict: text += " : verdict"
        case .values(let types): text += " : \(Self.join(types))"
        }
        if let timeoutSeconds { text += " ; flags dynamic,timeout ; timeout \(timeoutSeconds)s" }
        return text + " ;"
    }

    /// Types by an example of theirs: a plain number has no name of its own in nft.
    private static func join(_ types: [NFTables.DataType]) -> String {
        types.map {
            switch $0 {
            case .address: "ip daddr"
            case .transport: "meta l4proto"
            case .port: "th dport"
            case .number: "numgen random mod 65536"
            }
        }.joined(separator: " . ")
    }
}
