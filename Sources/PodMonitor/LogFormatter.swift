/// Turns one stream's bytes into lines of the CRI's log format: `time stream F|P text`.
///
/// Text without its newline is held, at most `limit` bytes; then, and at the stream's end, it goes out as a partial
/// line (P).
package struct LogFormatter {
    package static let limit = 16 << 10

    package enum Stream: Sendable { case stdout, stderr }

    private let stream: Stream
    private var held: [UInt8] = []

    package init(_ stream: Stream) { self.stream = stream }

    /// Appends to `output` every line that `bytes` completes.
    package mutating func format(_ bytes: UnsafeRawBufferPointer, at time: UInt64, into output: inout [UInt8]) {
        var start = 0
        for index in 0..<bytes.count where bytes[index] == UInt8(ascii: "\n") {
            take(bytes, start, index, time, &output)
            emit(full: true, time, &output)
            start = index + 1
        }
        take(bytes, start, bytes.count, time, &output)
    }

    /// The stream's end: what is held goes out.
    package mutating func finish(at time: UInt64, into output: inout [UInt8]) {
        if !held.isEmpty { emit(full: false, time, &output) }
    }

    /// Holds a piece of a line, putting out what passes the limit.
    private mutating func take(
        _ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int, _ time: UInt64, _ output: inout [UInt8]
    ) {
        var at = start
        while at < end {
            if held.count == LogFormatter.limit { emit(full: false, time, &output) }
            let room = LogFormatter.limit - held.count
            let stop = at + (end - at < room ? end - at : room)
            for index in at..<stop { held.append(bytes[index]) }
            at = stop
        }
    }

    private mutating func emit(full: Bool, _ time: UInt64, _ output: inout [UInt8]) {
        LogTime.append(time, to: &output)
        LogFormatter.append(stream == .stdout ? " stdout " : " stderr ", to: &output)
        LogFormatter.append(full ? "F " : "P ", to: &output)
        output.append(contentsOf: held)
        output.append(UInt8(ascii: "\n"))
        held.removeAll(keepingCapacity: true)
    }

    package static func append(_ text: StaticString, to output: inout [UInt8]) {
        for index in 0..<text.utf8CodeUnitCount { output.append(text.utf8Start[index]) }
    }

    static func append(_ number: UInt64, to output: inout [UInt8]) {
        if number > 9 { append(number / 10, to: &output) }
        output.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10))
    }
}
