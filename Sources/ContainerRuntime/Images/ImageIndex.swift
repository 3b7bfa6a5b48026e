import JSONTree
import OCI

/// All images: a value, so that a change is made and written as a whole.
struct ImageIndex: Sendable, Hashable {
    private(set) var records: [ImageRecord] = []

    /// By full or short name, by id or the digest of the manifest or its index, or by the first twelve or more digits of the id.
    func find(_ text: String) -> ImageRecord? {
        if let digest = try? Digest(text) { return find(digest) }
        if let reference = try? ImageReference(text) {
            if let digest = reference.digest {
                if let found = find(digest) { return found }
            } else if let found = records.first(where: { $0.names.contains(reference.description) }) {
                return found
            }
        }
        guard text.utf8.count >= 12 else { return nil }
        let matches = records.filter { $0.id.hex.hasPrefix(text) }
        return matches.count == 1 ? matches.first : nil
    }

    private func find(_ digest: Digest) -> ImageRecord? {
        records.first { $0.isKnown(by: digest) }
    }

    /// Adds an image, or its names to the one that is there already. A name leaves the image that had it.
    mutating func add(_ record: ImageRecord) -> ImageRecord {
        for index in records.indices { records[index].names.removeAll { record.names.contains($0) } }
        guard let index = records.firstIndex(where: { $0.id == record.id }) else {
            records.append(record)
            return record
        }
        var merged = record
        merged.names = Set(records[index].names + record.names).sorted()
        merged.repositories = Set(records[index].repositories + record.repositories).sorted()
        merged.origins = Set(records[index].origins + record.origins).sorted()
        merged.isPulled = record.isPulled || records[index].isPulled
        merged.isPinned = record.isPinned || records[index].isPinned
        records[index] = merged
        return merged
    }

    /// Takes a name or a `repository@digest` away from the image that has it.
    mutating func removeName(_ reference: ImageReference) {
        for index in records.indices {
            guard let digest = reference.digest else {
                records[index].names.removeAll { $0 == reference.description }
                continue
            }
            guard records[index].isKnown(by: digest) else { continue }
            records[index].repositories.removeAll { $0 == reference.name }
            records[index].origins.removeAll { $0 == "\(reference.name)@\(digest)" }
        }
    }

    mutating func change(_ id: Digest, _ body: (inout ImageRecord) -> Void) {
        guard let index = records.firstIndex(where: { $0.id == id }) else { return }
        body(&records[index])
    }

    /// Takes another reading of a layer, for all images that have it.
    mutating func replace(_ layer: ImageLayer) {
        for index in records.indices {
            records[index].layers = records[index].layers.map { $0.key == layer.key ? layer : $0 }
        }
    }

    mutating func remove(_ id: Digest) {
        records.removeAll { $0.id == id }
    }

    func uses(tree key: Digest) -> Bool {
        records.contains { $0.layers.contains { $0.key == key } }
    }

    /// The layers of all images, by key.
    var layers: [Digest: ImageLayer] {
        Dictionary(records.flatMap(\.layers).map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The content store's files of all images.
    var files: Set<Digest> { records.reduce(into: []) { $0.formUnion($1.files) } }

    init() {}

    /// Reads the index file, of version 2 or 1.
    init(_ value: JSONValue, file: String) throws(OCIError) {
        let reader = try SpecificationReader(value, file: file)
        let version = try reader.integer("version") ?? 0
        guard (1...2).contains(version) else {
            throw reader.failure(
                "version", "this program reads versions 1 and 2; another version of swiftlet wrote the file")
        }
        for record in try reader.objects("images") {
            records.append(try ImageRecord(record, version: version))
        }
    }

    var json: JSONValue {
        ["version": 2, "images": .array(records.map(\.json))]
    }
}
