import APIMachinery
import JSONTree
import PKI
import Store

/// Where a paged list goes on. Opaque to clients.
struct ContinueToken: Sendable, Hashable {
    /// The state that the whole list shows. nil: whatever the state is by then, for a list whose first state is gone.
    var revision: Revision?
    /// The next page starts at the first key from here on: `namespace/name`.
    var start: String

    init(revision: Revision?, start: String) {
        self.revision = revision
        self.start = start
    }

    init(text: String) throws(Status) {
        guard text.utf8.count <= 2048, let bytes = Bytes(base64: text),
            let json = try? JSONValue(parsing: bytes.array), json["v"]?.string == "swiftlet/v1",
            let start = json["start"]?.string, !start.isEmpty, let revision = json["rv"]?.integer
        else { throw .badRequest("continue: not a token that this server gave out") }
        self.revision = revision > 0 ? revision : nil
        self.start = start
    }

    var text: String {
        let json: JSONValue = ["v": "swiftlet/v1", "rv": .integer(revision ?? -1), "start": .string(start)]
        return Bytes(json.encoded()).base64
    }
}
