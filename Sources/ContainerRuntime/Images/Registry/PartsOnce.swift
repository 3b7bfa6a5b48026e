import Synchronization

/// Bytes that are handed out once, as a stream of one chunk.
final class PartsOnce: Sendable {
    private let bytes: Mutex<[UInt8]?>

    init(_ bytes: [UInt8]) { self.bytes = Mutex(bytes.isEmpty ? nil : bytes) }

    func take() -> [UInt8]? {
        bytes.withLock { held in
            defer { held = nil }
            return held
        }
    }
}
