import NIOCore

/// Messages on a stream, each behind its length in two bytes (RFC 1035, section 4.2.2). A message is at most 65,535 bytes.
struct DNSFrameDecoder: ByteToMessageDecoder {
    typealias InboundOut = [UInt8]

    mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) -> DecodingState {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt16.self),
            let bytes = buffer.getBytes(at: buffer.readerIndex + 2, length: Int(length))
        else { return .needMoreData }
        buffer.moveReaderIndex(forwardBy: 2 + Int(length))
        context.fireChannelRead(wrapInboundOut(bytes))
        return .continue
    }

    mutating func decodeLast(
        context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool
    ) -> DecodingState {
        decode(context: context, buffer: &buffer)
    }

    /// A message with its length in front; cut where it is too long for one.
    static func frame(_ message: [UInt8]) -> ByteBuffer {
        let bytes = message.prefix(Int(UInt16.max))
        var buffer = ByteBuffer()
        buffer.writeInteger(UInt16(bytes.count))
        buffer.writeBytes(bytes)
        return buffer
    }
}
