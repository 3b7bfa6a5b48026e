import JSONTree

/// Who owns which fields of an object: the decoded form of `metadata.managedFields`.
package struct ManagedFields: Sendable, Hashable {
    package enum Operation: String, Sendable {
        case apply = "Apply"
        case update = "Update"
    }

    /// One workflow on an object.
    package struct Manager: Sendable, Hashable {
        package var name: String
        package var operation: Operation
        package var apiVersion: String
        package var subresource: String

        package init(_ name: String, _ operation: Operation, apiVersion: String, subresource: String = "") {
            self.name = name
            self.operation = operation
            self.apiVersion = apiVersion
            self.subresource = subresource
        }
    }

    package struct Entry: Sendable, Hashable {
        package var manager: Manager
        package var time: Timestamp?
        package var fields: FieldTree

        package init(_ manager: Manager, time: Timestamp?, _ fields: FieldTree) {
            self.manager = manager
            self.time = time
            self.fields = fields
        }
    }

    /// Of updates; when there are more managers than this, the oldest become one.
    package static let maximumUpdaters = 10

    package var entries: [Entry]

    package init(_ entries: [Entry] = []) {
        self.entries = entries
    }

    /// nil where an entry is not of the known form.
    package init?(decoding entries: [ManagedFieldsEntry]) {
        self.entries = []
        for entry in entries {
            guard let operation = Operation(rawValue: entry.operation), entry.fieldsType == "FieldsV1",
                let fields = FieldTree(json: entry.fieldsV1 ?? JSONObject())
            else { return nil }
            let manager = Manager(
                entry.manager, operation, apiVersion: entry.apiVersion, subresource: entry.subresource)
            self.entries.append(Entry(manager, time: entry.time, fields))
        }
    }

    /// The stored form. Applied fields first, then by time.
    package var encoded: [ManagedFieldsEntry] {
        entries.sorted { Self.order($0) < Self.order($1) }.map { entry in
            ManagedFieldsEntry {
                $0.manager = entry.manager.name
                $0.operation = entry.manager.operation.rawValue
                $0.apiVersion = entry.manager.apiVersion
                $0.time = entry.time
                $0.fieldsType = "FieldsV1"
                $0.fieldsV1 = entry.fields.json
                $0.subresource = entry.manager.subresource
            }
        }
    }

    private static func order(_ entry: Entry) -> (Int, Int64, String, String) {
        let operation = entry.manager.operation == .apply ? 0 : 1
        return (operation, entry.time?.seconds ?? 0, entry.manager.name, entry.manager.subresource)
    }

    package subscript(_ manager: Manager) -> Entry? {
        entries.first { $0.manager == manager }
    }

    /// What all managers but one own.
    func fields(except manager: Manager) -> FieldTree {
        entries.reduce(.empty) { $1.manager == manager ? $0 : $0.union($1.fields) }
    }

    /// Gives a manager its fields; its time changes only where they do. No fields: the manager goes.
    mutating func set(_ manager: Manager, _ fields: FieldTree, at now: Timestamp) {
        guard let index = entries.firstIndex(where: { $0.manager == manager }) else {
            if !fields.isEmpty { entries.append(Entry(manager, time: now, fields)) }
            return
        }
        if fields.isEmpty {
            entries.remove(at: index)
        } else if entries[index].fields != fields {
            entries[index] = Entry(manager, time: now, fields)
        }
    }

    /// Takes fields from all managers but one.
    mutating func take(_ fields: FieldTree, except manager: Manager) {
        guard !fields.isEmpty else { return }
        for index in entries.indices where entries[index].manager != manager {
            entries[index].fields = entries[index].fields.subtracting(fields)
        }
        entries.removeAll { $0.fields.isEmpty }
    }

    /// Puts the oldest updaters together where there are too many.
    mutating func boundUpdaters() {
        var updaters = entries.filter { $0.manager.operation == .update }.sorted { Self.order($0) < Self.order($1) }
        let excess = updaters.count - Self.maximumUpdaters
        guard excess > 0 else { return }
        let oldest = updaters.prefix(excess + 1)
        updaters.removeFirst(excess + 1)
        let manager = Manager("ancient-changes", .update, apiVersion: oldest.last?.manager.apiVersion ?? "")
        let fields = oldest.reduce(FieldTree.empty) { $0.union($1.fields) }
        entries = entries.filter { $0.manager.operation == .apply } + [Entry(manager, time: oldest.last?.time, fields)]
        entries += updaters
    }
}

extension ManagedFields.Manager {
    /// As conflicts name it: `"kubectl" using apps/v1 at 2026-01-02T03:04:05Z`; one that applies, by its name alone.
    func shown(at time: Timestamp?) -> String {
        var text = "\"\(name)\""
        if !subresource.isEmpty { text += " with subresource \"\(subresource)\"" }
        guard operation == .update else { return text }
        text += " using \(apiVersion)"
        if let time { text += " at \(time)" }
        return text
    }
}
