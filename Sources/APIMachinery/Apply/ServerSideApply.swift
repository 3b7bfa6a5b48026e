import JSONTree

/// Server-side apply (KEP-555) and the tracking of managed fields, as pure functions over objects and their schema.
///
/// Defaults are not applied to what is given back, nor is what means absence taken out: the caller does that, before validation.
package struct ServerSideApply: Sendable {
    package let schema: Schema
    /// Who asks, how, and for which version of the object.
    package let manager: ManagedFields.Manager
    package let now: Timestamp

    package init(_ schema: Schema, _ manager: ManagedFields.Manager, now: Timestamp) {
        self.schema = schema
        self.manager = manager
        self.now = now
    }

    /// The object with `config` applied by the manager, and its managed fields. `live` is nil where the object does not exist yet.
    ///
    /// Fields that the manager applied before and no longer names go, unless others own them. A field that another manager owns with
    /// another value is a conflict: 409 with a cause for each field, or with `force` taken from its owner; so too those of `ceded`.
    package func apply(
        _ config: JSONObject, to live: JSONObject?, force: Bool, ceded: FieldTree = .empty
    ) throws(Status) -> JSONObject {
        let place = Granularity(schema)
        let config = try checked(config)
        let before = live.map(Self.withoutManagedFields) ?? JSONObject()
        var managed = Self.managedFields(of: live)
        if let live, managed.entries.isEmpty { managed = firstOwner(of: live, place) }

        let last = managed[manager]?.fields
        let fields = FieldTree(of: .object(config), at: place).subtracting(Self.untracked)
        var merged = JSONValue.object(before).merged(with: .object(config), at: place)
        if let last {
            let kept = fields.union(managed.fields(except: manager)).union(Self.untracked)
            merged = merged.pruned(of: last, keeping: kept, at: place) ?? .object(JSONObject())
        }
        // A default that comes back, and a quantity in other words, are no changes.
        var settled = merged
        schema.applyDefaults(&settled)
        let comparison = FieldComparison(from: .object(before), to: settled, at: place)
        try resolve(comparison, &managed, force: force, ceded)
        managed.take(comparison.removed, except: manager)
        managed.set(manager, fields, at: now)
        return Self.object(merged, managed)
    }

    /// The object as an update leaves it, with the fields that the update changed given to the manager. Managed fields that come with the
    /// new object count as sent, so that a client can change or (with an empty list) reset them.
    package func track(_ new: JSONObject, from live: JSONObject?) -> JSONObject {
        let place = Granularity(schema)
        let before = live.map(Self.withoutManagedFields) ?? JSONObject()
        let after = Self.withoutManagedFields(new)
        var managed = Self.managedFields(of: new)
        if managed.entries.isEmpty, !Self.resetsManagedFields(new) { managed = Self.managedFields(of: live) }

        let comparison = FieldComparison(from: .object(before), to: .object(after), at: place)
        let changed = comparison.changed.subtracting(Self.untracked)
        managed.take(changed.union(comparison.removed), except: manager)
        let known = managed[manager]?.fields ?? .empty
        managed.set(manager, known.union(changed).subtracting(comparison.removed), at: now)
        managed.boundUpdaters()
        return Self.object(.object(after), managed)
    }

    /// A configuration is partial: what is required may be missing, but what is there has its type. Unknown fields are left out;
    /// an empty list stays, for whoever applies it wants nothing to be there.
    private func checked(_ config: JSONObject) throws(Status) -> JSONObject {
        guard config["metadata"]?["managedFields"] == nil else {
            throw .badRequest("metadata.managedFields must be nil")
        }
        let errors = schema.check(.object(config)).filter { $0.kind == .typeInvalid || $0.kind == .duplicate }
        guard errors.isEmpty else {
            throw .badRequest(
                "failed to create typed patch object: \(errors.map(\.description).joined(separator: ", "))")
        }
        var pruned = JSONValue.object(config)
        schema.pruneConfiguration(&pruned)
        return pruned.object ?? JSONObject()
    }

    /// The fields that are in the object as a manifest has them. The manifest has its defaults.
    package func fields(of manifest: JSONObject, stillIn live: JSONObject) -> FieldTree {
        let place = Granularity(schema)
        let now = JSONValue.object(Self.withoutManagedFields(live))
        let comparison = FieldComparison(from: .object(manifest), to: now, at: place)
        return FieldTree(of: .object(manifest), at: place).subtracting(comparison.changed)
            .subtracting(comparison.removed)
    }

    private func resolve(
        _ comparison: FieldComparison, _ managed: inout ManagedFields, force: Bool, _ ceded: FieldTree
    ) throws(Status) {
        let changed = comparison.changed.subtracting(Self.untracked)
        let disputed = changed.subtracting(ceded)
        let conflicts = managed.entries.filter { $0.manager != manager }.compactMap { entry -> ApplyConflict? in
            let paths = entry.fields.intersection(disputed).paths
            return paths.isEmpty ? nil : ApplyConflict(manager: entry.manager.shown(at: entry.time), paths: paths)
        }
        guard force || conflicts.isEmpty else { throw ApplyConflict.status(conflicts) }
        managed.take(changed, except: manager)
    }

    /// An object that nobody's fields are known of belongs to a manager of its own, so that applying over it conflicts.
    private func firstOwner(of live: JSONObject, _ place: Granularity) -> ManagedFields {
        let owner = ManagedFields.Manager("before-first-apply", .update, apiVersion: manager.apiVersion)
        let fields = FieldTree(of: .object(Self.withoutManagedFields(live)), at: place).subtracting(Self.untracked)
        return ManagedFields([.init(owner, time: now, fields)])
    }

    /// Fields that identify the object or that the server keeps: nobody owns them.
    private static let untracked: FieldTree = {
        let metadata = [
            "name", "generateName", "namespace", "creationTimestamp", "selfLink", "uid", "generation", "managedFields",
            "resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds",
        ]
        let below = Dictionary(uniqueKeysWithValues: metadata.map { ("f:" + $0, FieldTree.leaf) })
        return FieldTree(children: [
            "f:apiVersion": .leaf, "f:kind": .leaf, "f:metadata": FieldTree(isMember: true, children: below),
        ])
    }()

    private static func managedFields(of object: JSONObject?) -> ManagedFields {
        guard let object else { return ManagedFields() }
        let entries = [ManagedFieldsEntry](json: object["metadata"]?["managedFields"] ?? .array([])) ?? []
        return ManagedFields(decoding: entries) ?? ManagedFields()
    }

    /// A list with one empty entry is how clients ask for a reset.
    private static func resetsManagedFields(_ object: JSONObject) -> Bool {
        object["metadata"]?["managedFields"] == [[:]]
    }

    private static func withoutManagedFields(_ object: JSONObject) -> JSONObject {
        guard case .object(var metadata)? = object["metadata"], metadata["managedFields"] != nil else { return object }
        var result = object
        metadata["managedFields"] = JSONValue?.none
        result["metadata"] = .object(metadata)
        return result
    }

    private static func object(_ value: JSONValue, _ managed: ManagedFields) -> JSONObject {
        var result = value.object ?? JSONObject()
        var metadata = ObjectMeta(storage: result["metadata"]?.object ?? JSONObject())
        metadata.managedFields = managed.encoded
        result["metadata"] = metadata.json
        return result
    }
}

/// Fields that another manager owns.
struct ApplyConflict {
    let manager: String
    let paths: [String]

    static func status(_ conflicts: [ApplyConflict]) -> Status {
        let count = conflicts.reduce(0) { $0 + $1.paths.count }
        let text: String
        if count == 1, let conflict = conflicts.first, let path = conflict.paths.first {
            text = "conflict with \(conflict.manager): \(path)"
        } else {
            text = conflicts.map { conflict in
                (["conflicts with \(conflict.manager):"] + conflict.paths.map { "- \($0)" }).joined(separator: "\n")
            }.joined(separator: "\n")
        }
        return Status(.conflict, code: 409, "Apply failed with \(count) conflict\(count == 1 ? "" : "s"): \(text)") {
            $0.causes = conflicts.flatMap { conflict in
                conflict.paths.prefix(64).map { path in
                    StatusCause {
                        $0.reason = "FieldManagerConflict"
                        $0.message = "conflict with \(conflict.manager)"
                        $0.field = path
                    }
                }
            }
        }
    }
}
