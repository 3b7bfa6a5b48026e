import APIMachinery

/// A change of an informer's cache.
package enum InformerEvent<Object: APIObject>: Sendable {
    case added(Object)
    case updated(old: Object, new: Object)
    /// With the last state known. Comes also for an object that was never told of, where it went before it could be.
    case deleted(Object)
    /// All objects that were there at first have been delivered. Comes once for each subscriber.
    case synced
}
