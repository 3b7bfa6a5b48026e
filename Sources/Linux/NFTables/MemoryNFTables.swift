import Glibc
import Synchronization

/// A ruleset in memory, with the kernel's rules about what may refer to what. For tests and for showing what would be done.
package final class MemoryNFTables: NFTablesBackend {
    private let state = Mutex<State>(State())

    package init() {}

    package func apply(_ transaction: NFTables.Transaction) throws(NFTablesError) {
        let refused: NFTablesError? = state.withLock { state in
            var copy = state
            for operation in transaction.operations {
                let code = copy.apply(operation, table: transaction.table)
                guard code == 0 else {
                    let text = operation.text(table: transaction.table)
                    return NFTablesError(table: transaction.table, operation: text, code: code)
                }
            }
            state = copy
            state.transactions += 1
            return nil
        }
        if let refused { throw refused }
    }

    package func tables() throws(NFTablesError) -> [String] {
        state.withLock { Array($0.tables.keys) }
    }

    /// How many transactions were applied.
    package var transactionCount: Int { state.withLock { $0.transactions } }

    /// The table as a rules file, in order of names; nil where there is no such table.
    package func ruleset(of table: String) -> String? {
        state.withLock { state in state.tables[table].map { $0.text(name: table) } }
    }

    private struct State {
        var tables: [String: Table] = [:]
        var transactions = 0

        /// Zero, or the errno the kernel would answer.
        mutating func apply(_ operation: NFTables.Operation, table name: String) -> CInt {
            switch operation {
            case .addTable:
                if tables[name] == nil { tables[name] = Table() }
                return 0
            case .deleteTable:
                return tables.removeValue(forKey: name) == nil ? ENOENT : 0
            default:
                return tables[name]?.apply(operation) ?? ENOENT
            }
        }
    }
}

private struct Table {
    private var chains: [String: (base: NFTables.Chain.Base?, rules: [NFTables.Rule])] = [:]
    private var sets: [String: (set: NFTables.NamedSet, elements: [[NFTables.Value]: NFTables.Element])] = [:]

    mutating func apply(_ operation: NFTables.Operation) -> CInt {
        switch operation {
        case .addTable, .deleteTable: EINVAL
        case .addChain(let chain): addChain(chain)
        case .deleteChain(let name): deleteChain(name)
        case .flushChain(let name): flush(name)
        case .addRule(let chain, let rule): addRule(rule, to: chain)
        case .addSet(let set): addSet(set)
        case .deleteSet(let name): deleteSet(name)
        case .addElements(let set, let elements): addElements(elements, to: set.name)
        case .deleteElements(let set, let elements): deleteElements(elements, of: set.name)
        }
    }

    private mutating func addChain(_ chain: NFTables.Chain) -> CInt {
        if let known = chains[chain.name] { return known.base == chain.base ? 0 : EEXIST }
        chains[chain.name] = (chain.base, [])
        return 0
    }

    private mutating func deleteChain(_ name: String) -> CInt {
        guard chains[name] != nil else { return ENOENT }
        guard !isTarget(name) else { return EBUSY }
        chains[name] = nil
        return 0
    }

    private mutating func flush(_ name: String) -> CInt {
        guard chains[name] != nil else { return ENOENT }
        chains[name]?.rules = []
        return 0
    }

    private mutating func addRule(_ rule: NFTables.Rule, to chain: String) -> CInt {
        guard chains[chain] != nil, rule.targets.allSatisfy({ chains[$0] != nil }),
            rule.sets.allSatisfy({ sets[$0] != nil })
        else { return ENOENT }
        chains[chain]?.rules.append(rule)
        return 0
    }

    private mutating func addSet(_ set: NFTables.NamedSet) -> CInt {
        if let known = sets[set.name] { return known.set == set ? 0 : EEXIST }
        sets[set.name] = (set, [:])
        return 0
    }

    private mutating func deleteSet(_ name: String) -> CInt {
        guard sets[name] != nil else { return ENOENT }
        guard !chains.values.contains(where: { $0.rules.contains { $0.sets.contains(name) } }) else { return EBUSY }
        sets[name] = nil
        return 0
    }

    private mutating func addElements(_ elements: [NFTables.Element], to set: String) -> CInt {
        guard let known = sets[set] else { return ENOENT }
        for element in elements {
            guard element.key.map(\.type) == known.set.key else { return EINVAL }
            if case .verdict(let verdict) = element.data, let target = verdict.target, chains[target] == nil {
                return ENOENT
            }
            if let other = sets[set]?.elements[element.key], other.data != element.data { return EEXIST }
            sets[set]?.elements[element.key] = element
        }
        return 0
    }

    private mutating func deleteElements(_ elements: [NFTables.Element], of set: String) -> CInt {
        for element in elements {
            guard sets[set]?.elements.removeValue(forKey: element.key) != nil else { return ENOENT }
        }
        return 0
    }

    private func isTarget(_ chain: String) -> Bool {
        let isJumpedTo = chains.contains { name, other in
            name != chain && other.rules.contains { $0.targets.contains(chain) }
        }
        return isJumpedTo
            || sets.values.contains { entry in
                entry.elements.values.contains {
                    if case .verdict(let verdict) = $0.data { verdict.target == chain } else { false }
                }
            }
    }

    func text(name: String) -> String {
        var lines = ["table ip \(name) {"]
        for (name, entry) in sets.sorted(by: { $0.key < $1.key }) {
            lines.append("  \(entry.set.word) \(name)")
            lines += entry.elements.values.map { "    \($0)" }.sorted()
        }
        for (name, chain) in chains.sorted(by: { $0.key < $1.key }) {
            lines.append("  chain \(name)\(chain.base.map { " \($0)" } ?? "")")
            lines += chain.rules.map { "    \($0)" }
        }
        return (lines + ["}"]).joined(separator: "\n")
    }
}

extension NFTables.Value {
    fileprivate var type: NFTables.DataType {
        switch self {
        case .address: .address
        case .transport: .transport
        case .port: .port
        case .number: .number
        }
    }
}
