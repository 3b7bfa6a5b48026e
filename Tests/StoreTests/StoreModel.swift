import Store

/// What a store should hold, kept in the plainest way: the list of all writes, and dictionaries made from it.
struct StoreModel {
    typealias State = [[UInt8]: StoredValue]

    private(set) var events: [StoreEvent] = []
    private(set) var newest: State = [:]
    var compacted: Revision = 0

    var revision: Revision { Revision(events.count) }

    func state(at revision: Revision) -> State {
        if revision == self.revision { return newest }
        var state: State = [:]
        for event in events.prefix(Int(revision)) { Self.apply(event, to: &state) }
        return state
    }

    func list(prefix: String, at revision: Revision) -> [StoredValue] {
        state(at: revision).values.filter { $0.key.utf8.starts(with: prefix.utf8) }.sorted {
            $0.key.utf8.lexicographicallyPrecedes($1.key.utf8)
        }
    }

    func events(prefix: String, after revision: Revision) -> [StoreEvent] {
        events.dropFirst(Int(revision)).filter { $0.key.utf8.starts(with: prefix.utf8) }
    }

    /// What the write does to the newest state: its event, or the error it must end with.
    func outcome(_ write: Write) -> Result<StoreEvent, StoreError> {
        let old = newest[Array(write.key.utf8)]
        switch write {
        case .create(let key, let bytes):
            if let old { return .failure(.exists(key: key, modRevision: old.modRevision)) }
            return .success(event(.created, key, bytes, []))
        case .update(let key, let bytes, let expected):
            guard let old, old.modRevision == expected else {
                return .failure(.conflict(key: key, actual: old?.modRevision))
            }
            return .success(event(.updated, key, bytes, old.bytes))
        case .delete(let key, let expected):
            guard let old, old.modRevision == expected else {
                return .failure(.conflict(key: key, actual: old?.modRevision))
            }
            return .success(event(.deleted, key, [], old.bytes))
        }
    }

    mutating func append(_ event: StoreEvent) {
        events.append(event)
        Self.apply(event, to: &newest)
    }

    private func event(_ kind: StoreEvent.Kind, _ key: String, _ bytes: [UInt8], _ old: [UInt8]) -> StoreEvent {
        StoreEvent(kind: kind, revision: revision + 1, key: key, bytes: bytes, previousBytes: old)
    }

    private static func apply(_ event: StoreEvent, to state: inout State) {
        let key = Array(event.key.utf8)
        guard event.kind != .deleted else {
            state[key] = nil
            return
        }
        state[key] = StoredValue(
            key: event.key, bytes: event.bytes, createRevision: state[key]?.createRevision ?? event.revision,
            modRevision: event.revision)
    }
}

extension Write {
    var key: String {
        switch self {
        case .create(let key, _), .update(let key, _, _), .delete(let key, _): key
        }
    }
}

/// The store and the model disagree.
struct Mismatch: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}
