extension HTTPRequest {
    package var asksForWebSocket: Bool { offers("websocket", in: "Upgrade") && offers("upgrade", in: "Connection") }

    /// Whether a header that lists words, in one or several fields, has this one, in whatever case.
    package func offers(_ word: String, in header: String) -> Bool {
        headers.values(header).contains { field in
            field.split(separator: ",").contains { String($0.filter { $0 != " " }).equalsIgnoringCase(word) }
        }
    }
}
