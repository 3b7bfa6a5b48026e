import APIMachinery
import HTTP

/// What a reader of a container's log asks for (`PodLogOptions`).
struct LogOptions: Sendable, Hashable {
    var isFollowing = false
    var hasTimestamps = false
    /// Lines from the end; nil: all.
    var tailLines: Int?
    /// Bytes in all; nil: no limit.
    var limitBytes: Int?
    /// Lines written before this are left out.
    var since: Timestamp?
    /// nil: both.
    var stream: String?

    init() {}

    /// - Throws: a message for the caller.
    init(_ request: HTTPRequest, now: Timestamp) throws(Status) {
        isFollowing = request.followsLog
        hasTimestamps = request.flag("timestamps") ?? false
        tailLines = try Self.number("tailLines", request, minimum: 0)
        limitBytes = try Self.number("limitBytes", request, minimum: 1)
        if let seconds = try Self.number("sinceSeconds", request, minimum: 1) {
            since = now - .seconds(min(seconds, 1 << 40))
        }
        if let text = request.query("sinceTime") {
            guard let time = Timestamp(text) else { throw .badRequest("sinceTime \"\(text)\" is no RFC 3339 time") }
            since = time
        }
        switch request.query("stream") {
        case nil, "", "All": stream = nil
        case "Stdout": stream = "stdout"
        case "Stderr": stream = "stderr"
        case let other?: throw .badRequest("stream \"\(other)\" is none of All, Stdout, Stderr")
        }
    }

    private static func number(
        _ name: String, _ request: HTTPRequest, minimum: Int
    ) throws(Status) -> Int? {
        guard let text = request.query(name), !text.isEmpty else { return nil }
        guard let value = Int(text), value >= minimum else {
            throw .badRequest("\(name) \"\(text)\" is no number of at least \(minimum)")
        }
        return value
    }
}

extension HTTPRequest {
    /// Whether whoever asks for a log wants it to go on as long as the container does.
    package var followsLog: Bool { flag("follow") ?? false }
}

/// One line of a log file in the CRI's format: `TIME STREAM TAG TEXT`, where the tag P says that the next line goes on with it.
struct LogLine: Sendable, Hashable {
    var time: Substring
    var stream: Substring
    var isPartial: Bool
    /// What the container wrote, with the line's end unless it is partial.
    var text: ArraySlice<UInt8>

    /// nil where the line has another form (a write cut short by a power cut).
    init?(_ line: ArraySlice<UInt8>) {
        let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, parts[2].first == UInt8(ascii: "F") || parts[2].first == UInt8(ascii: "P") else {
            return nil
        }
        time = Substring(decoding: parts[0], as: UTF8.self)
        stream = Substring(decoding: parts[1], as: UTF8.self)
        isPartial = parts[2].first == UInt8(ascii: "P")
        text = parts[3]
    }

    /// The line as a reader gets it, empty where the options leave it out.
    func rendered(_ options: LogOptions) -> [UInt8] {
        if let wanted = options.stream, wanted != stream { return [] }
        if let since = options.since, let time = Timestamp(String(time)), time < since { return [] }
        var bytes: [UInt8] = options.hasTimestamps ? Array(time.utf8) + [UInt8(ascii: " ")] : []
        bytes += text
        if !isPartial { bytes.append(UInt8(ascii: "\n")) }
        return bytes
    }

    /// What the end of a log says: its last 80 lines, and of those the last 2048 bytes, as upstream cuts a termination message.
    static func lastWords(_ log: [UInt8]) -> [UInt8] {
        let lines = log.split(separator: UInt8(ascii: "\n")).suffix(80)
        return lines.compactMap { LogLine($0)?.rendered(LogOptions()) }.joined().suffix(2048)
    }
}
