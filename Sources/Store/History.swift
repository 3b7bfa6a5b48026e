/// The records of the past, as a backend keeps them. Ranges exclude their lower and include their upper end.
///
/// What is compacted while a call runs may be missing from its answer: callers check `LatestState.compacted` after.
protocol History: Sendable {
    /// The events of a range under a prefix, in order, at most `limit`, together with the revision up to which the
    /// answer is complete.
    func events(prefix: String, after: Revision, upTo: Revision, limit: Int) async throws(StoreError)
        -> (events: [StoreEvent], through: Revision)
    /// The changes of a range under a prefix, oldest first.
    func changes(prefix: String, after: Revision, upTo: Revision) async throws(StoreError) -> [KeyChange]
    /// The values written at these revisions; those that are gone are left out.
    func values(at revisions: [Revision]) async throws(StoreError) -> [Revision: StoredValue]
}
