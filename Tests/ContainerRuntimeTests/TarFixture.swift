import Glibc
import Linux
import OCI

/// Writes ustar archives by hand, hostile ones too.
struct TarFixture {
    private(set) var bytes: [UInt8] = []

    /// - Parameters:
    ///   - type: `0` file, `1` hard link, `2` symbolic link, `3` and `4` devices, `5` directory, `6` pipe, `x` pax records.
    ///   - mode: nil: 0755 for a directory, else 0644.
    ///   - owner: nil: whoever runs the test, so that no root is needed.
    mutating func add(
        _ path: FilePath, type: Character = "0", _ content: String = "", link: FilePath = "", mode: Int? = nil,
        owner: Int? = nil, size: Int? = nil
    ) {
        add(
            path, type: type, bytes: Array(content.utf8), link: link, mode: mode ?? (type == "5" ? 0o755 : 0o644),
            owner: owner, size: size)
    }

    private mutating func add(
        _ path: FilePath, type: Character, bytes content: [UInt8], link: FilePath, mode: Int, owner: Int?, size: Int?
    ) {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ bytes: some Sequence<UInt8>, at offset: Int) {
            for (index, byte) in bytes.enumerated() { header[offset + index] = byte }
        }
        func put(_ text: String, at offset: Int) { put(text.utf8, at: offset) }
        func octal(_ number: Int, _ width: Int) -> String {
            let digits = String(number, radix: 8)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        put(path.bytes.prefix(100), at: 0)
        put(octal(mode, 7), at: 100)
        put(octal(owner ?? Int(getuid()), 7), at: 108)
        put(octal(owner ?? Int(getgid()), 7), at: 116)
        put(octal(size ?? content.count, 11), at: 124)
        put(octal(1_700_000_000, 11), at: 136)
        put(String(type), at: 156)
        put(link.bytes.prefix(100), at: 157)
        put("ustar\u{0}00", at: 257)
        put(octal(1, 7), at: 329)
        put(octal(3, 7), at: 337)
        put("        ", at: 148)
        put(octal(header.reduce(0) { $0 + Int($1) }, 6) + "\u{0} ", at: 148)
        bytes += header + content
        bytes += [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    /// Pax attributes of the next member.
    mutating func addAttributes(_ attributes: [(name: FilePath, value: FilePath)]) {
        let records = attributes.map { name, value in
            let rest = [UInt8(ascii: " ")] + name.bytes + [UInt8(ascii: "=")] + value.bytes + [UInt8(ascii: "\n")]
            var length = rest.count + 1
            while String(length).utf8.count + rest.count != length { length += 1 }
            return Array(String(length).utf8) + rest
        }
        add("pax", type: "x", bytes: Array(records.joined()), link: "", mode: 0o644, owner: nil, size: nil)
    }

    /// A name of any length for the next member, as GNU's tar writes it.
    mutating func addLongName(_ path: FilePath) {
        add("././@LongLink", type: "L", bytes: path.bytes + [0], link: "", mode: 0o644, owner: nil, size: nil)
    }

    var archive: [UInt8] { bytes + [UInt8](repeating: 0, count: 1_024) }
}

/// An image in an OCI layout's terms: its files by digest.
struct ImageFixture {
    var files: [Digest: [UInt8]] = [:]
    var manifest: ImageDescriptor
    var layers: [ImageDescriptor]

    /// - Parameters:
    ///   - layers: archives that are not packed, the lowest first.
    ///   - isPacked: whether they are put into gzip's form: other files, whose content is the same.
    ///   - lie: by how many bytes the manifest has the layers too long.
    init(
        _ layers: [[UInt8]], platform: ImagePlatform = .host, user: String = "", volumes: [String] = [],
        isPacked: Bool = false, lie: UInt64 = 0
    ) {
        var files: [Digest: [UInt8]] = [:]
        func keep(_ bytes: [UInt8], _ type: String) -> ImageDescriptor {
            let digest = Digest(of: bytes)
            files[digest] = bytes
            return ImageDescriptor(mediaType: type, digest: digest, size: UInt64(bytes.count))
        }
        self.layers = layers.map {
            isPacked ? keep(Self.packed($0), ImageMediaType.layer + "+gzip") : keep($0, ImageMediaType.layer)
        }
        for index in self.layers.indices { self.layers[index].size += lie }
        var configuration = ImageConfiguration()
        configuration.command = ["/bin/sh"]
        configuration.user = user
        configuration.volumes = volumes
        let file = ImageFile(platform: platform, configuration: configuration, layers: layers.map { Digest(of: $0) })
        let config = keep(file.json.encoded(), ImageMediaType.configuration)
        let value = ImageManifest(mediaType: ImageMediaType.manifest, configuration: config, layers: self.layers)
        manifest = keep(value.json.encoded(), ImageMediaType.manifest)
        self.files = files
    }

    /// As gzip writes what it does not compress.
    private static func packed(_ bytes: [UInt8]) -> [UInt8] {
        func little(_ value: UInt32, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
        }
        var packed: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]
        var rest = bytes[...]
        repeat {
            let block = rest.prefix(60_000)
            rest = rest.dropFirst(block.count)
            packed.append(rest.isEmpty ? 1 : 0)
            packed += little(UInt32(block.count), 2) + little(~UInt32(block.count), 2) + block
        } while !rest.isEmpty
        let check = bytes.reduce(~UInt32(0)) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0xedb8_8320 : sum >> 1 }
        }
        return packed + little(~check, 4) + little(UInt32(bytes.count), 4)
    }
}
