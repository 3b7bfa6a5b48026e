import HTTP

/// One side of a SPDY/3.1 connection, as decisions only: bytes come in, events and bytes to send go out.
///
/// Streams are opened by the client alone. Windows are not kept: the clients' library (moby/spdystream) sends no window updates and
/// obeys none, so that who honoured them would stop after 64 KiB. What holds a fast sender back is the connection beneath.
///
/// Bounds: `maximumStreams` open at a time (further ones are refused), a control frame of 32 KiB, 64 KiB of headers when unpacked.
struct SPDYPeer {
    enum Event: Sendable, Hashable {
        case opened(id: UInt32, headers: HTTPHeaders)
        case data(id: UInt32, [UInt8])
        /// The other side sends no more on this stream.
        case finished(id: UInt32)
        /// The stream has ended both ways, by the other side's will or fault.
        case reset(id: UInt32)
    }

    /// What bytes called for. `reply` is to be sent before the events are acted upon.
    struct Outcome: Sendable, Hashable {
        var events: [Event] = []
        var reply: [UInt8] = []
    }

    private struct Stream {
        var otherIsDone = false
        var ownIsDone = false
    }

    static let maximumStreams = 512
    private static let headerBytes = 64 << 10

    private let isClient: Bool
    private var reader = SPDYFrameReader()
    private var inflater = Inflater(dictionary: SPDYDictionary.bytes)
    private var streams: [UInt32: Stream] = [:]
    private var last: UInt32 = 0
    /// Whether a header block of ours has gone out, and with it the beginning of its compression.
    private var hasSentHeaders = false

    init(isClient: Bool = false) {
        self.isClient = isClient
    }

    /// - Throws: where the peer broke the protocol; the connection must end, `goAway` gives the last frame.
    mutating func take(_ bytes: [UInt8]) throws(SPDYError) -> Outcome {
        reader.append(bytes)
        var outcome = Outcome()
        while let frame = try reader.next() { try take(frame, &outcome) }
        return outcome
    }

    private mutating func take(_ frame: SPDYFrame, _ outcome: inout Outcome) throws(SPDYError) {
        switch frame {
        case .synStream(let id, let isFinal, let block):
            try open(id, isFinal, try fields(block), &outcome)
        case .reply(let id, let isFinal, let block):
            guard isClient else { throw .frame("a client sent SYN_REPLY") }
            _ = try fields(block)
            if isFinal { received(id, [], isFinal: true, &outcome) }
        case .headers(let id, let isFinal, let block):
            // Read because each block is packed with the help of those before.
            _ = try fields(block)
            if isFinal { received(id, [], isFinal: true, &outcome) }
        case .data(let id, let isFinal, let bytes):
            guard id <= last, id != 0 else { throw .frame("there is data for stream \(id), which was never opened") }
            received(id, bytes, isFinal: isFinal, &outcome)
        case .reset(let id):
            if streams.removeValue(forKey: id) != nil { outcome.events.append(.reset(id: id)) }
        case .ping(let id):
            // One of our own parity would be the answer to a ping of ours.
            if id % 2 == (isClient ? 0 : 1) { outcome.reply += SPDYFrameWriter.ping(id) }
        case .goAway, .other: break
        }
    }

    private mutating func fields(_ block: ArraySlice<UInt8>) throws(SPDYError) -> HTTPHeaders {
        try SPDYHeaderBlock.read(try inflater.inflate(block, limit: Self.headerBytes))
    }

    private mutating func open(
        _ id: UInt32, _ isFinal: Bool, _ headers: HTTPHeaders, _ outcome: inout Outcome
    ) throws(SPDYError) {
        guard !isClient else { throw .frame("a server opened stream \(id)") }
        guard id % 2 == 1, id > last else { throw .frame("stream \(id) cannot be opened after stream \(last)") }
        last = id
        guard streams.count < Self.maximumStreams else {
            outcome.reply += SPDYFrameWriter.reset(id, .refused)
            return
        }
        streams[id] = Stream(otherIsDone: isFinal)
        outcome.reply += SPDYFrameWriter.reply(id, isFirst: !hasSentHeaders)
        hasSentHeaders = true
        outcome.events.append(.opened(id: id, headers: headers))
        if isFinal { outcome.events.append(.finished(id: id)) }
    }

    private mutating func received(
        _ id: UInt32, _ bytes: ArraySlice<UInt8>, isFinal: Bool, _ outcome: inout Outcome
    ) {
        // What was on its way when the stream ended is dropped.
        guard var stream = streams[id] else { return }
        guard !stream.otherIsDone else {
            streams[id] = nil
            outcome.reply += SPDYFrameWriter.reset(id, .alreadyClosed)
            outcome.events.append(.reset(id: id))
            return
        }
        if !bytes.isEmpty { outcome.events.append(.data(id: id, Array(bytes))) }
        guard isFinal else { return }
        stream.otherIsDone = true
        streams[id] = stream.ownIsDone ? nil : stream
        outcome.events.append(.finished(id: id))
    }
}

// MARK: What is sent

extension SPDYPeer {
    /// Opens a stream, which a client alone may.
    mutating func open(_ headers: HTTPHeaders) -> (id: UInt32, frame: [UInt8]) {
        let id = last == 0 ? 1 : last + 2
        last = id
        streams[id] = Stream()
        defer { hasSentHeaders = true }
        return (id, SPDYFrameWriter.open(id, SPDYHeaderBlock.write(headers), isFirst: !hasSentHeaders))
    }

    /// nil where the stream is closed for sending.
    func data(_ id: UInt32, _ bytes: [UInt8]) -> [UInt8]? {
        guard let stream = streams[id], !stream.ownIsDone else { return nil }
        return SPDYFrameWriter.data(id, bytes)
    }

    /// The last frame of a stream; nil where it was sent.
    mutating func finish(_ id: UInt32) -> [UInt8]? {
        guard var stream = streams[id], !stream.ownIsDone else { return nil }
        stream.ownIsDone = true
        streams[id] = stream.otherIsDone ? nil : stream
        return SPDYFrameWriter.data(id, [], isFinal: true)
    }

    mutating func reset(_ id: UInt32) -> [UInt8]? {
        streams.removeValue(forKey: id) == nil ? nil : SPDYFrameWriter.reset(id, .cancelled)
    }

    func goAway(isError: Bool) -> [UInt8] { SPDYFrameWriter.goAway(last: last, isError: isError) }
}
