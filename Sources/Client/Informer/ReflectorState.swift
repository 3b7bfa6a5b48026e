import APIMachinery

/// What a reflector does next: list page by page, then watch, again and again. Pure.
///
/// A watch that ends is resumed from the last version seen; one whose version is gone is replaced by a new list. A
/// failure makes it wait, longer from one to the next.
package struct ReflectorState: Sendable {
    package enum Step: Sendable, Hashable {
        case list(ListOptions)
        case watch(ListOptions)
    }

    private enum Phase: Sendable, Hashable {
        /// With the token of the next page. `whole`: paging failed before, ask for everything at once.
        case listing(continuation: String, whole: Bool)
        case watching(version: String)
    }

    /// Objects in a page of a list.
    package static let pageSize = 500
    /// A watch that lasted less than this counts as failed, so that a server that ends each at once is not hammered.
    package static let shortestWatch = Duration.seconds(1)

    private let selection: ListOptions
    private var phase = Phase.listing(continuation: "", whole: false)
    private var backoff = Backoff(base: .milliseconds(50), limit: .seconds(30))
    /// How long to wait before the next step.
    private(set) package var pause = Duration.zero

    /// `selection` holds the selectors; the rest of it is set here.
    package init(selection: ListOptions) {
        self.selection = selection
    }

    /// True while nothing of the next list has been received.
    package var isAtListStart: Bool {
        if case .listing(let continuation, _) = phase { continuation.isEmpty } else { false }
    }

    /// - Parameter fraction: random, 0 ..< 1; spreads the ends of watches.
    package func step(fraction: Double) -> Step {
        var options = selection
        switch phase {
        case .listing(let continuation, let whole):
            options.limit = whole ? 0 : Self.pageSize
            options.continuation = continuation
            return .list(options)
        case .watching(let version):
            options.resourceVersion = version
            options.allowsBookmarks = true
            options.timeoutSeconds = 300 + Int(300 * fraction)
            return .watch(options)
        }
    }

    /// A page came. True when it was the last.
    package mutating func listed(_ metadata: ListMeta) -> Bool {
        pause = .zero
        guard metadata.continue.isEmpty else {
            phase = .listing(continuation: metadata.continue, whole: false)
            return false
        }
        backoff.reset()
        phase = .watching(version: metadata.resourceVersion)
        return true
    }

    /// An event or a bookmark of this version came.
    package mutating func saw(version: String) {
        guard case .watching = phase, !version.isEmpty else { return }
        phase = .watching(version: version)
        pause = .zero
        backoff.reset()
    }

    /// The server ended the watch without an error.
    package mutating func watchEnded(after lasted: Duration, fraction: Double) {
        guard lasted < Self.shortestWatch else {
            backoff.reset()
            pause = .zero
            return
        }
        wait(fraction)
    }

    package mutating func failed(_ status: Status, fraction: Double) {
        wait(fraction)
        if let seconds = status.details?.retryAfterSeconds, seconds > 0 {
            pause = max(pause, .seconds(min(seconds, 60)))
        }
        switch phase {
        case .listing(let continuation, let whole):
            phase = .listing(continuation: "", whole: whole || (status.isGone && !continuation.isEmpty))
        case .watching where status.isGone:
            phase = .listing(continuation: "", whole: false)
        case .watching: break
        }
    }

    private mutating func wait(_ fraction: Double) {
        let delay = backoff.next()
        pause = delay + delay * fraction
    }
}

extension Status {
    /// The version asked for is no longer there: list anew.
    package var isGone: Bool {
        isReason(.expired) || isReason(.gone) || self.code == 410
    }
}
