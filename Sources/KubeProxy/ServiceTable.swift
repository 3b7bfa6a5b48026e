import Linux

/// Turns services into changes of the nftables table: `update` says what must change for the ports given, and nothing
/// that it returns depends on how many others there are.
///
/// A value that holds what the table contains: one entry a claimed element, about 100 bytes each. Bound: the services of
/// the cluster.
struct ServiceTable: Sendable {
    let rules: ServiceRules
    private(set) var contributions: [ProxiedPortName: Contribution] = [:]
    /// Who claims an element, by age; the first holds it. So who holds a frontend holds all its slots as well.
    private var claims: [Claim: [Holder]] = [:]
    /// How many frontends use each picker.
    private var pickers: [Picker: Int] = [:]
    /// For each port that contributes, how many came before it.
    private var ages: [ProxiedPortName: Int] = [:]
    private var nextAge = 0

    private struct Holder: Sendable {
        let name: ProxiedPortName
        let age: Int
        var data: ClaimData
    }

    init(rules: ServiceRules) {
        self.rules = rules
    }

    /// The whole table with every service, in place of whatever the kernel has.
    func rebuild() -> NFTables.Transaction {
        var changes = Changes()
        for (claim, holders) in claims {
            if let first = holders.first { changes.added[claim] = first.data }
        }
        var transaction = rules.base
        var known: Set<String> = []
        for picker in pickers.keys.sorted(by: { $0.chain < $1.chain }) {
            if let memory = picker.memory, known.insert(memory.name).inserted {
                transaction.operations.append(.addSet(memory))
            }
            transaction.add(.init(picker.chain), picker.rules(inside: rules.clusterNetwork))
        }
        changes.appendElements(to: &transaction)
        return transaction
    }

    /// Takes over the new state of some ports (nil: the port is gone) and returns what must change; empty where nothing.
    mutating func update(_ ports: [ProxiedPortName: ProxiedPort?]) -> NFTables.Transaction {
        var changes = Changes()
        let pickersBefore = Set(pickers.keys)
        for (name, port) in ports.sorted(by: { $0.key.description < $1.key.description }) {
            let previous = contributions[name]
            let next = port.map { Contribution($0, previous: previous) }
            contributions[name] = next
            if next != nil, previous == nil {
                ages[name] = nextAge
                nextAge += 1
            }
            let claimed = next?.claims ?? [:]
            for (claim, _) in previous?.claims ?? [:] where claimed[claim] == nil { release(claim, name, &changes) }
            for (claim, data) in claimed where previous?.claims[claim] != data { take(claim, name, data, &changes) }
            if next == nil { ages[name] = nil }
        }
        return transaction(changes, pickersBefore)
    }

    private mutating func take(
        _ claim: Claim, _ name: ProxiedPortName, _ data: ClaimData, _ changes: inout Changes
    ) {
        let before = claims[claim]?.first?.data
        if let index = claims[claim]?.firstIndex(where: { $0.name == name }) {
            claims[claim]?[index].data = data
        } else if let age = ages[name] {
            let index = claims[claim]?.firstIndex { $0.age > age } ?? claims[claim]?.count ?? 0
            claims[claim, default: []].insert(Holder(name: name, age: age, data: data), at: index)
        }
        record(claim, before, claims[claim]?.first?.data, &changes)
    }

    private mutating func release(_ claim: Claim, _ name: ProxiedPortName, _ changes: inout Changes) {
        let before = claims[claim]?.first?.data
        claims[claim]?.removeAll { $0.name == name }
        if claims[claim]?.isEmpty == true { claims[claim] = nil }
        record(claim, before, claims[claim]?.first?.data, &changes)
    }

    private mutating func record(
        _ claim: Claim, _ before: ClaimData?, _ after: ClaimData?, _ changes: inout Changes
    ) {
        guard before != after else { return }
        if case .picker(let picker) = before {
            let left = (pickers[picker] ?? 1) - 1
            pickers[picker] = left > 0 ? left : nil
        }
        if case .picker(let picker) = after { pickers[picker, default: 0] += 1 }
        changes.record(claim, before, after)
    }

    private mutating func transaction(_ changes: Changes, _ pickersBefore: Set<Picker>) -> NFTables.Transaction {
        var transaction = NFTables.Transaction(table: rules.table)
        let pickersNow = Set(pickers.keys)
        for picker in pickersNow.subtracting(pickersBefore).sorted(by: { $0.chain < $1.chain }) {
            if let memory = picker.memory { transaction.operations.append(.addSet(memory)) }
            transaction.add(.init(picker.chain), picker.rules(inside: rules.clusterNetwork))
        }
        changes.appendElements(to: &transaction)
        for picker in pickersBefore.subtracting(pickersNow).sorted(by: { $0.chain < $1.chain }) {
            transaction.operations.append(.deleteChain(picker.chain))
        }
        let memoriesNow = Set(pickersNow.compactMap { $0.memory?.name })
        let memoriesBefore = Set(pickersBefore.compactMap { $0.memory?.name })
        transaction.operations += memoriesBefore.subtracting(memoriesNow).sorted().map { .deleteSet($0) }
        return transaction
    }
}

/// The elements to delete and to add, net: what is taken and given back in one update does not appear.
private struct Changes {
    private var original: [Claim: ClaimData?] = [:]
    var deleted: [Claim: ClaimData] = [:]
    var added: [Claim: ClaimData] = [:]

    mutating func record(_ claim: Claim, _ before: ClaimData?, _ after: ClaimData?) {
        if original[claim] == nil { original[claim] = .some(before) }
        let first = original[claim] ?? nil
        deleted[claim] = first == after ? nil : first
        added[claim] = first == after ? nil : after
    }

    /// Deletions stand before additions, so that an element with new data is replaced.
    func appendElements(to transaction: inout NFTables.Transaction) {
        for (set, elements) in zip(ServiceRules.sets, Self.elements(deleted)) {
            transaction.deleteElements(set, elements)
        }
        for (set, elements) in zip(ServiceRules.sets, Self.elements(added)) {
            transaction.addElements(set, elements)
        }
    }

    /// For each set its elements, in order of their text.
    private static func elements(_ claims: [Claim: ClaimData]) -> [[NFTables.Element]] {
        var bySet = Array(repeating: [(text: String, element: NFTables.Element)](), count: ServiceRules.sets.count)
        for (claim, data) in claims {
            let element = claim.element(data)
            bySet[claim.setIndex].append((element.description, element))
        }
        return bySet.map { elements in elements.sorted { $0.text < $1.text }.map(\.element) }
    }
}
