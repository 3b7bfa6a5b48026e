import APIMachinery
import JSONTree

@testable import Store

/// What the disk holds, as objects.
enum StoredObject {
    static func decode<Object: APIObject>(_ type: Object.Type, _ bytes: [UInt8]) -> Object? {
        guard let tree = try? JSONValue(parsing: bytes) else { return nil }
        return Object(json: tree)
    }

    static func prefix(of kind: ResourceKind) -> String {
        "/registry/\(kind.group.isEmpty ? "core" : kind.group)/\(kind.plural)/"
    }

    static func all<Object: APIObject>(_ type: Object.Type, in state: LatestState) -> [Object] {
        StateReader.newest(state, prefix: prefix(of: Object.kind), from: nil, limit: 0).values
            .compactMap { decode(type, $0.bytes) }
    }
}
