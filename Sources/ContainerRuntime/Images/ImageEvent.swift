import CRI

/// A change of the images that this node has.
package struct ImageEvent: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable {
        case added, removed, tagged, untagged
    }

    package var kind: Kind
    /// The image's id.
    package var image: String
    /// The name that it is about; empty where the image has none.
    package var name: String
    package var time: UnixNanoseconds

    /// What has changed from one index to the next, in the order of the images' ids.
    static func changes(from old: ImageIndex, to new: ImageIndex, at time: UnixNanoseconds) -> [ImageEvent] {
        let before = names(old)
        let after = names(new)
        func event(_ kind: Kind, _ image: String, _ name: String) -> ImageEvent {
            ImageEvent(kind: kind, image: image, name: name, time: time)
        }
        return Set(before.keys).union(after.keys).sorted().flatMap { image -> [ImageEvent] in
            guard let now = after[image] else { return [event(.removed, image, before[image]?.sorted().first ?? "")] }
            guard let then = before[image] else { return [event(.added, image, now.sorted().first ?? "")] }
            return now.subtracting(then).sorted().map { event(.tagged, image, $0) }
                + then.subtracting(now).sorted().map { event(.untagged, image, $0) }
        }
    }

    private static func names(_ index: ImageIndex) -> [String: Set<String>] {
        Dictionary(index.records.map { ($0.id.description, Set($0.names)) }, uniquingKeysWith: { $1 })
    }
}
