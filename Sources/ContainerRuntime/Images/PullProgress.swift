import OCI

/// What happens while an image is fetched or sent, for those who watch it.
package enum PullEvent: Sendable, Hashable {
    /// Which manifest the name leads to, and its packed layers.
    case resolved(manifest: Digest, layers: [ImageDescriptor])
    /// Bytes of a layer that have come so far.
    case received(ImageDescriptor, bytes: UInt64)
    /// Bytes of a file that have gone to a registry so far.
    case sent(ImageDescriptor, bytes: UInt64)
    case unpacking(ImageDescriptor)
    case done(ImageDescriptor)
    /// The layer was on this node already.
    case present(ImageDescriptor)
    /// The registry has not said yet what the image is made of, and is asked again.
    case waiting(cause: String)
    /// A download broke and goes on.
    case retrying(ImageDescriptor, cause: String)
}

/// Hears of events. Called from any task, and must not wait.
package struct PullProgress: Sendable {
    package let tell: @Sendable (PullEvent) -> Void

    package init(_ tell: @escaping @Sendable (PullEvent) -> Void) { self.tell = tell }

    /// Nobody watches.
    package static let none = PullProgress { _ in }
}
