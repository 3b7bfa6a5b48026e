/// The places on the way of a pod's link and address where a crash makes a difference. For tests.
package enum NetworkPoint: String, Sendable, Hashable, CaseIterable {
    /// The address is on disk; there is no link.
    case addressHeld
    case linkMade
    /// The link is gone; the address is on disk.
    case linkDeleted
    case addressFreed
}
