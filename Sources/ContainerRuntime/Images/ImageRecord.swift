import CRI
import JSONTree
import OCI

/// An image of the store: a tree of files and what runs in it by default.
package struct ImageRecord: Sendable, Hashable {
    /// Over tree and configuration.
    package let id: Digest
    /// The digest of the tree, under which it lies on disk; images can share one.
    package let tree: Digest
    /// Full names, sorted. An image without one is waiting for its removal.
    package var names: [String]
    package let size: UInt64
    package let entries: UInt64
    package let addedAt: UnixNanoseconds
    package let configuration: ImageConfiguration

    init(
        tree: Digest, name: String, size: UInt64, entries: UInt64, addedAt: UnixNanoseconds,
        configuration: ImageConfiguration
    ) {
        id = Digest(of: Array("\(tree)\n".utf8) + configuration.json.encoded())
        self.tree = tree
        names = [name]
        self.size = size
        self.entries = entries
        self.addedAt = addedAt
        self.configuration = configuration
    }

    var image: Image {
        let user =
            configuration.user.split(separator: ":", omittingEmptySubsequences: false).first.map(String.init) ?? ""
        let number = UserDatabase.identity(user)
        var image = Image(
            id: id.description, tags: names,
            digests: names.map { name in (name.lastIndex(of: ":").map { String(name[..<$0]) } ?? name) + "@\(id)" },
            size: size, user: user.isEmpty ? 0 : number.map(Int64.init), userName: number == nil ? user : "")
        // All are added by hand: there is no registry that would give them back.
        image.isPinned = true
        return image
    }

    var json: JSONValue {
        [
            "id": .string(id.description), "tree": .string(tree.description), "names": .list(names),
            "size": .integer(Int64(clamping: size)), "entries": .integer(Int64(clamping: entries)),
            "addedAt": .integer(addedAt), "config": configuration.json,
        ]
    }

    init(_ reader: SpecificationReader) throws(OCIError) {
        id = try Digest(try reader.required("id"))
        tree = try Digest(try reader.required("tree"))
        names = try reader.strings("names") ?? []
        size = UInt64(clamping: try reader.integer("size") ?? 0)
        entries = UInt64(clamping: try reader.integer("entries") ?? 0)
        addedAt = try reader.integer("addedAt") ?? 0
        guard let config = try reader.object("config") else { throw reader.failure("config", "it is missing") }
        configuration = try ImageConfiguration(config)
    }
}

/// All images: a value, so that a change is made and written as a whole.
struct ImageIndex: Sendable, Hashable {
    private(set) var records: [ImageRecord] = []

    /// By full or short name, by id, or by the first twelve or more digits of one.
    func find(_ text: String) -> ImageRecord? {
        if let digest = try? Digest(text) { return records.first { $0.id == digest } }
        if let reference = try? ImageReference(text) {
            if let digest = reference.digest {
                if let found = records.first(where: { $0.id == digest }) { return found }
            } else if let found = records.first(where: { $0.names.contains(reference.description) }) {
                return found
            }
        }
        guard text.utf8.count >= 12 else { return nil }
        let matches = records.filter { $0.id.hex.hasPrefix(text) }
        return matches.count == 1 ? matches.first : nil
    }

    /// Adds an image, or the name to the one that is there already. The name leaves the image that had it.
    mutating func add(_ record: ImageRecord) -> ImageRecord {
        for index in records.indices { records[index].names.removeAll { record.names.contains($0) } }
        if let index = records.firstIndex(where: { $0.id == record.id }) {
            records[index].names = Set(records[index].names + record.names).sorted()
            return records[index]
        }
        records.append(record)
        return record
    }

    mutating func removeName(_ name: String) {
        for index in records.indices { records[index].names.removeAll { $0 == name } }
    }

    mutating func remove(_ id: Digest) {
        records.removeAll { $0.id == id }
    }

    func usesTree(_ tree: Digest) -> Bool {
        records.contains { $0.tree == tree }
    }

    init() {}

    /// Reads the index file.
    init(_ value: JSONValue, file: String) throws(OCIError) {
        let reader = try SpecificationReader(value, file: file)
        guard try reader.integer("version") == 1 else {
            throw reader.failure("version", "this program reads version 1; another version of swiftlet wrote the file")
        }
        guard case .array(let elements) = value["images"] ?? [] else {
            throw reader.failure("images", "it must be a list")
        }
        for (index, element) in elements.enumerated() {
            records.append(try ImageRecord(try SpecificationReader(element, file: "\(file): images[\(index)]")))
        }
    }

    var json: JSONValue {
        ["version": 1, "images": .array(records.map(\.json))]
    }
}
