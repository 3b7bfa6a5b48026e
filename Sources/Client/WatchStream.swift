import APIMachinery
import HTTP
import JSONTree

/// One change of a watched resource.
package enum WatchEvent<Object: APIObject>: Sendable {
    case added(Object)
    case modified(Object)
    case deleted(Object)
    /// Nothing changed up to this version.
    case bookmark(resourceVersion: String)
    /// The watch is over for this reason; `Expired` means to list anew.
    case failed(Status)
}

/// The events of one watch, decoded as they come: one JSON object a line. Read by one task; `cancel` ends it at the server too.
package struct WatchStream<Object: APIObject>: AsyncSequence, Sendable {
    package typealias Element = WatchEvent<Object>
    package typealias Failure = any Error

    private let stream: ByteStream

    package init(_ stream: ByteStream) {
        self.stream = stream
    }

    package func cancel() {
        stream.cancel()
    }

    package func makeAsyncIterator() -> Iterator {
        Iterator(stream: stream)
    }

    package struct Iterator: AsyncIteratorProtocol {
        fileprivate let stream: ByteStream
        private var lines = LineSplitter()

        fileprivate init(stream: ByteStream) {
            self.stream = stream
        }

        /// Throws `Status` where what came is no watch event, and the transport's error where the connection broke.
        package mutating func next() async throws -> WatchEvent<Object>? {
            while true {
                if let line = lines.next() { return try Self.decode(line) }
                guard let chunk = try await stream.next() else { return nil }
                try lines.append(chunk)
            }
        }

        private static func decode(_ line: [UInt8]) throws(Status) -> WatchEvent<Object> {
            let value = try APIClient.parse(line)
            guard let type = value["type"]?.string, let object = value["object"] else {
                throw .internalError("a watch event has no type or no object")
            }
            switch type {
            case "ADDED": return .added(try APIClient.decode(object))
            case "MODIFIED": return .modified(try APIClient.decode(object))
            case "DELETED": return .deleted(try APIClient.decode(object))
            case "BOOKMARK": return .bookmark(resourceVersion: object["metadata"]?["resourceVersion"]?.string ?? "")
            case "ERROR": return .failed(Status(json: object) ?? .internalError("the watch failed"))
            default: throw .internalError("unknown watch event \(type)")
            }
        }
    }
}

/// Cuts a byte stream into lines. A line of over 8 MiB fails the stream: no object is that large.
struct LineSplitter {
    static let limit = 8 << 20
    private var buffer: [UInt8] = []
    private var start = 0
    private var scanned = 0

    mutating func append(_ chunk: [UInt8]) throws(Status) {
        if start > 0 {
            buffer.removeFirst(start)
            scanned -= start
            start = 0
        }
        buffer += chunk
        guard buffer.count <= Self.limit else { throw .internalError("a watch event is over \(Self.limit) bytes") }
    }

    /// The next whole line that is not empty.
    mutating func next() -> [UInt8]? {
        while let end = buffer[scanned...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = Array(buffer[start..<end])
            start = end + 1
            scanned = start
            if !line.isEmpty { return line }
        }
        scanned = buffer.count
        return nil
    }
}
