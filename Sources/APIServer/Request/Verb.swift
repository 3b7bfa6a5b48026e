/// What a request wants to do, in the words that authorization uses.
package enum Verb: String, Sendable, Hashable {
    case get, list, watch, create, update, patch, delete, deletecollection

    package var isRead: Bool {
        switch self {
        case .get, .list, .watch: true
        case .create, .update, .patch, .delete, .deletecollection: false
        }
    }
}
