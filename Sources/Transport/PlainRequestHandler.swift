import NIOCore

/// Tells a client that speaks HTTP where TLS is spoken, in the words that others use for it (net/http of Go), and closes. Sits before TLS, and leaves after
/// the first bytes.
final class PlainRequestHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// As long as the head of a TLS record, none of which begins like one of them.
    private static let beginnings: Set<String> = ["GET /", "HEAD ", "POST ", "PUT /", "PATCH", "DELET", "OPTIO"]
    private static let answer = """
        HTTP/1.0 400 Bad Request\r
        Content-Type: text/plain; charset=utf-8\r
        \r
        Client sent an HTTP request to an HTTPS server.

        """

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        guard let beginning = bytes.getString(at: bytes.readerIndex, length: 5),
            PlainRequestHandler.beginnings.contains(beginning)
        else {
            context.fireChannelRead(data)
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
            return
        }
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: PlainRequestHandler.answer)))
            .whenComplete { _ in channel.close(promise: nil) }
    }
}
