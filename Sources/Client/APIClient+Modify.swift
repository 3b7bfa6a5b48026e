import APIMachinery

extension APIClient {
    /// How often a change is tried on a newer version before its conflict is given up to the caller.
    private static let attempts = 5

    /// Reads the object, changes it and writes it, again on a newer version where another writer came first.
    ///
    /// `change` may be called more than once; where it leaves the object as it is nothing is written.
    package func modify<Object: APIObject>(
        _ type: Object.Type, _ name: String, in namespace: String? = nil, subresource: String? = nil,
        _ change: (inout Object) throws(Status) -> Void
    ) async throws(Status) -> Object {
        var attempt = 1
        while true {
            let current = try await get(type, name, in: namespace)
            var changed = current
            try change(&changed)
            guard changed != current else { return current }
            do throws(Status) {
                return try await update(changed, subresource: subresource)
            } catch {
                guard error.isReason(.conflict), attempt < Self.attempts else { throw error }
                attempt += 1
            }
        }
    }
}
