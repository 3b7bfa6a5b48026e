import HTTP

/// Pairs the streams of a port-forward: a client opens for each connection a stream for errors and one for data, which name the same request
/// and port.
///
/// Bound: as many halves as the connection may have streams. A half whose other one never comes stays until the session's end.
struct ForwardedConnections {
    struct Pair {
        let port: UInt16
        let data: any MultiplexedStream
        let error: any MultiplexedStream
    }

    enum Step {
        /// The other half is not there yet.
        case wait
        case connect(Pair)
        /// The stream says what nothing can be done with.
        case refuse(any MultiplexedStream)
    }

    private struct Half {
        var port: UInt16
        var data: (any MultiplexedStream)?
        var error: (any MultiplexedStream)?
    }

    private var halves: [String: Half] = [:]

    mutating func add(_ stream: any MultiplexedStream) -> Step {
        guard let port = UInt16(digits: stream.headers["port"] ?? ""), port > 0 else { return .refuse(stream) }
        // Clients that name no request open the streams of one connection next to each other, errors first.
        let type = stream.headers["streamType"]
        let request = stream.headers["requestID"] ?? "\(type == "data" ? stream.id &- 2 : stream.id)"
        var half = halves[request] ?? Half(port: port)
        guard half.port == port else { return .refuse(stream) }
        switch type {
        case "data" where half.data == nil: half.data = stream
        case "error" where half.error == nil: half.error = stream
        default: return .refuse(stream)
        }
        guard let data = half.data, let error = half.error else {
            halves[request] = half
            return .wait
        }
        halves[request] = nil
        return .connect(Pair(port: port, data: data, error: error))
    }
}
