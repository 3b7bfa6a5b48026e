import CRI

/// How events call the containers and sandboxes that are there, for when they are not. A container that is started again is one for its users, though each
/// attempt is made and removed.
struct EventNames: Sendable {
    struct Entry: Sendable, Hashable {
        var name: String
        /// Of a later attempt, the first one's.
        var id: String
    }

    private var entries: [String: Entry] = [:]

    subscript(id: String) -> Entry? {
        get { entries[id] }
        set { entries[id] = newValue }
    }

    /// - Parameter present: as it is now; nil where it is gone.
    /// - Returns: how it is called, without a name where none is known; nil where its users are told nothing.
    mutating func take(_ event: ContainerEvent, _ present: Entry?) -> Entry? {
        let (id, known) = (event.container, entries[event.container])
        let entry = event.kind == .deleted ? known ?? present : present ?? known
        entries[id] = event.kind == .deleted ? nil : entry
        let told = entry ?? Entry(name: "", id: id)
        switch event.kind {
        case .created where told.id != id: return nil
        case .deleted where entries.values.contains { $0.id == told.id }: return nil
        default: return told
        }
    }
}
