import Glibc

extension TarEntry {
    /// The blocks that come before a member's content: a ustar header, behind pax records where a name, a number or an attribute does not fit into one.
    package var header: [UInt8] {
        let records = paxRecords
        guard !records.isEmpty else { return block(of: self.size, type: type) }
        let pax = TarEntry("pax", .file, mode: 0o644, modified: modified)
        return pax.block(of: UInt64(records.count), type: "x") + TarEntry.padded(records)
            + block(of: self.size, type: type)
    }

    /// What fills a member's content up to whole blocks.
    package var padding: [UInt8] { [UInt8](repeating: 0, count: Int((512 - size % 512) % 512)) }

    /// The end of an archive.
    package static let end = [UInt8](repeating: 0, count: 1_024)

    private static func padded(_ bytes: [UInt8]) -> [UInt8] {
        bytes + [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
    }

    private var type: Character {
        switch kind {
        case .file, .other: "0"
        case .hardLink: "1"
        case .symbolicLink: "2"
        case .characterDevice: "3"
        case .blockDevice: "4"
        case .directory: "5"
        case .pipe: "6"
        }
    }

    private var linkTarget: FilePath {
        switch kind {
        case .hardLink(let target), .symbolicLink(let target): target
        default: ""
        }
    }

    /// - Parameter size: of what follows.
    private func block(of size: UInt64, type: Character) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ bytes: some Sequence<UInt8>, at offset: Int) {
            for (index, byte) in bytes.enumerated() { header[offset + index] = byte }
        }
        func put(_ number: UInt64, _ digits: Int, at offset: Int) {
            let text = String(number, radix: 8)
            guard text.utf8.count <= digits else { return put("0", digits, at: offset) }
            put(text, digits, at: offset)
        }
        func put(_ text: String, _ digits: Int, at offset: Int) {
            put((String(repeating: "0", count: digits - text.utf8.count) + text).utf8, at: offset)
        }
        put(path.bytes.prefix(100), at: 0)
        put(UInt64(mode), 7, at: 100)
        put(UInt64(owner), 7, at: 108)
        put(UInt64(group), 7, at: 116)
        put(size, 11, at: 124)
        put(UInt64(max(0, modified.tv_sec)), 11, at: 136)
        put(String(type).utf8, at: 156)
        put(linkTarget.bytes.prefix(100), at: 157)
        put("ustar\u{0}00".utf8, at: 257)
        if kind == .characterDevice || kind == .blockDevice {
            let numbers = FileAttributes.deviceNumbers(UInt64(device))
            put(UInt64(numbers.major), 7, at: 329)
            put(UInt64(numbers.minor), 7, at: 337)
        }
        put("        ".utf8, at: 148)
        put(header.reduce(0) { $0 + UInt64($1) }, 6, at: 148)
        header[154] = 0
        return header
    }

    private var paxRecords: [UInt8] {
        var records: [UInt8] = []
        func add(_ name: String, _ value: [UInt8]) { add(bytes: Array(name.utf8), value) }
        func add(bytes name: [UInt8], _ value: [UInt8]) {
            let rest = [UInt8(ascii: " ")] + name + [UInt8(ascii: "=")] + value + [UInt8(ascii: "\n")]
            var length = rest.count + 1
            while String(length).utf8.count + rest.count != length { length += 1 }
            records += Array(String(length).utf8) + rest
        }
        let long = [("path", path), ("linkpath", linkTarget)].filter { $0.1.count > 100 }
        // Else the records would have to be UTF-8.
        if !(long.map(\.1) + attributes.map(\.name)).allSatisfy(\.isText) { add("hdrcharset", Array("BINARY".utf8)) }
        for (name, path) in long { add(name, path.bytes) }
        if size >= 1 << 33 { add("size", Array(String(size).utf8)) }
        if owner >= 1 << 21 { add("uid", Array(String(owner).utf8)) }
        if group >= 1 << 21 { add("gid", Array(String(group).utf8)) }
        if modified.tv_sec < 0 { add("mtime", Array(String(modified.tv_sec).utf8)) }
        for attribute in attributes { add(bytes: Array("SCHILY.xattr.".utf8) + attribute.name.bytes, attribute.value) }
        return records
    }
}
