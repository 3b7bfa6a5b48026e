import Logging
import Synchronization

/// A log's messages, for tests that look at them.
package struct KeptWords: LogHandler {
    package final class Words: Sendable {
        package let value = Mutex<[String]>([])
    }

    package let words = Words()
    package var metadata: Logger.Metadata = [:]
    package var logLevel: Logger.Level

    /// - Parameter logLevel: the least that is kept.
    package init(_ logLevel: Logger.Level = .warning) { self.logLevel = logLevel }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) { words.value.withLock { $0.append(event.message.description) } }
}
