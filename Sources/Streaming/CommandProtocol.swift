/// The protocols of exec and attach (KEP-4006, and of before k8s.io/kubelet's remotecommand/websocket.go).
package enum CommandProtocol {
    /// Over one WebSocket, where a message's first byte is its channel; newest first. The fifth can tell that standard input has ended; those without a number
    /// say an end in words, and a good one by nothing. In base64 a message is text: the channel's digit, then what it carries.
    package static let webSocket = [
        newest, "v4.channel.k8s.io", "v4.base64.channel.k8s.io", "channel.k8s.io", "base64.channel.k8s.io",
    ]
    /// Those of them whose messages are bytes and which end with a Status.
    package static let binary = [newest, "v4.channel.k8s.io"]
    package static let newest = "v5.channel.k8s.io"
    /// Over streams of their own.
    package static let streams = "v4.channel.k8s.io"

    static func isText(_ name: String) -> Bool { name.contains("base64.") }
    /// Whether the session ends with a Status as JSON.
    static func endsWithStatus(_ name: String) -> Bool { name.hasPrefix("v") }
}
