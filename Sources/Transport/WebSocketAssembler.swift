import HTTP
import NIOWebSocket

/// Joins frames to messages and decides what each frame calls for (RFC 6455, 5.4 and 5.5). Pure.
struct WebSocketAssembler {
    enum Step: Equatable {
        case wait
        case message(WebSocketMessage)
        case pong([UInt8])
        /// The peer closes; the code is echoed.
        case closed(UInt16)
        /// The peer broke the protocol; close with this code.
        case fail(UInt16)
    }

    /// Largest message in bytes; beyond it the connection fails with 1009.
    let limit: Int
    /// Whether frames must be masked: those of a client are.
    let expectsMask: Bool
    private var opcode: WebSocketOpcode?
    private var bytes: [UInt8] = []

    init(limit: Int, expectsMask: Bool) {
        self.limit = limit
        self.expectsMask = expectsMask
    }

    mutating func take(_ frame: WebSocketFrame) -> Step {
        guard (frame.maskKey != nil) == expectsMask, !frame.rsv1, !frame.rsv2, !frame.rsv3 else { return .fail(1002) }
        let payload = frame.unmaskedData.readableBytesView
        switch frame.opcode {
        case .text, .binary:
            guard opcode == nil else { return .fail(1002) }
            opcode = frame.opcode
            return append(payload, last: frame.fin)
        case .continuation:
            guard opcode != nil else { return .fail(1002) }
            return append(payload, last: frame.fin)
        case .ping: return .pong(Array(payload))
        case .pong: return .wait
        case .connectionClose: return closed(Array(payload))
        default: return .fail(1002)
        }
    }

    private mutating func append(_ payload: some Collection<UInt8>, last: Bool) -> Step {
        guard bytes.count + payload.count <= limit else { return .fail(1009) }
        bytes.append(contentsOf: payload)
        guard last else { return .wait }
        let whole = bytes
        let isText = opcode == .text
        bytes = []
        opcode = nil
        guard isText else { return .message(.binary(whole)) }
        guard let text = String(validating: whole, as: UTF8.self) else { return .fail(1007) }
        return .message(.text(text))
    }

    private func closed(_ payload: [UInt8]) -> Step {
        guard !payload.isEmpty else { return .closed(1000) }
        guard payload.count >= 2 else { return .fail(1002) }
        return .closed(UInt16(payload[0]) << 8 | UInt16(payload[1]))
    }
}
