import JSONTree
import Store

/// How the objects of one resource are laid out as bytes. apiVersion, kind and metadata come first, so that the place where resourceVersion
/// goes, which is known only after the commit, is the same in every object: right after `"metadata":{`.
struct WireFormat: Sendable {
    /// `{"apiVersion":"v1","kind":"Pod","metadata":{`
    let prefix: [UInt8]
    let apiVersion: String
    let kind: String
    /// The fields that a field selector may name, besides metadata.name and metadata.namespace.
    let selectableFields: [SelectableField]

    init(apiVersion: String, kind: String, selectableFields: [SelectableField] = []) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.selectableFields = selectableFields
        prefix = Array("{\"apiVersion\":\"\(apiVersion)\",\"kind\":\"\(kind)\",\"metadata\":{".utf8)
    }

    /// The bytes that are stored: no resourceVersion.
    func stored(_ object: JSONObject) -> [UInt8] {
        var writer = JSONWriter(reserving: 1024)
        writer.write(raw: prefix)
        if case .object(var metadata) = object["metadata"] {
            metadata["resourceVersion"] = nil
            Self.append(members: metadata.members, to: &writer, isFirst: true)
        }
        writer.write(raw: [UInt8(ascii: "}")])
        let rest = object.members.filter { !["apiVersion", "kind", "metadata"].contains($0.key) }
        Self.append(members: rest, to: &writer, isFirst: false)
        writer.write(raw: [UInt8(ascii: "}")])
        return writer.bytes
    }

    /// The bytes that are served. Costs one copy. Revision 0 is of an object that was not written (dry run): it shows none.
    func wire(stored: [UInt8], revision: Revision) -> [UInt8] {
        guard revision > 0, stored.starts(with: prefix), prefix.count < stored.count else { return stored }
        let version = Array("\"resourceVersion\":\"\(revision)\"".utf8)
        let isEmpty = stored[prefix.count] == UInt8(ascii: "}")
        return [UInt8](unsafeUninitializedCapacity: stored.count + version.count + (isEmpty ? 0 : 1)) { buffer, count in
            count = buffer.append(stored[..<prefix.count], at: 0)
            count = buffer.append(version[...], at: count)
            if !isEmpty {
                buffer[count] = UInt8(ascii: ",")
                count += 1
            }
            count = buffer.append(stored[prefix.count...], at: count)
        }
    }

    /// The same object at another revision, for a deletion's event.
    func wire(_ object: CachedObject, revision: Revision) -> [UInt8] {
        let version = Array("\"resourceVersion\":\"\(object.revision)\"".utf8)
        guard object.wire.starts(with: prefix), object.wire.dropFirst(prefix.count).starts(with: version) else {
            return object.wire
        }
        let replacement = Array("\"resourceVersion\":\"\(revision)\"".utf8)
        return object.wire[..<prefix.count] + replacement + object.wire[(prefix.count + version.count)...]
    }

    private static func append(members: [JSONObject.Member], to writer: inout JSONWriter, isFirst: Bool) {
        var isFirst = isFirst
        for member in members {
            if !isFirst { writer.write(raw: [UInt8(ascii: ",")]) }
            isFirst = false
            writer.write(member.key)
            writer.write(raw: [UInt8(ascii: ":")])
            writer.write(member.value)
        }
    }
}

extension UnsafeMutableBufferPointer<UInt8> {
    /// Copies the slice to `offset` and returns the offset after it.
    fileprivate func append(_ slice: ArraySlice<UInt8>, at offset: Int) -> Int {
        _ = self[offset...].update(fromContentsOf: slice)
        return offset + slice.count
    }
}
