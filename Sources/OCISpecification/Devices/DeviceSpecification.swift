import JSONTree

/// A file that says what containers are given for the devices of one kind (Container Device Interface, 0.3 to 1.1). Read strictly: a property that is not known is
/// an error, since without it a container would get less than the file says.
package struct DeviceSpecification: Sendable, Hashable {
    private static let versions: Set<String> = [
        "0.3.0", "0.4.0", "0.5.0", "0.6.0", "0.7.0", "0.8.0", "1.0.0", "1.1.0",
    ]

    /// Such as `vendor.com/gpu`.
    package var kind: String
    /// By name: what a container gets for the device.
    package var devices: [String: ContainerEdits] = [:]
    /// What a container gets once, whichever of the devices and however many it is given.
    package var common = ContainerEdits()

    package init(_ value: JSONValue, file: String) throws(OCIError) {
        let reader = try SpecificationReader(value, file: file)
        try reader.refuseOthers(than: ["cdiVersion", "kind", "annotations", "devices", "containerEdits"])
        let version = try reader.required("cdiVersion")
        guard Self.versions.contains(version) else {
            throw reader.failure("cdiVersion", "version \(version) is not known; 0.3.0 to 1.1.0 are")
        }
        kind = try reader.required("kind")
        let parts = kind.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ DeviceName.isPart($0, marks: "_-.") }) else {
            throw reader.failure("kind", "\"\(kind)\" is no VENDOR/CLASS")
        }
        _ = try reader.stringMap("annotations")
        for device in try reader.objects("devices") { try read(device) }
        guard !devices.isEmpty else { throw reader.failure("devices", "there must be at least one") }
        if let edits = try reader.object("containerEdits") { common = try ContainerEdits(edits) }
    }

    private mutating func read(_ reader: SpecificationReader) throws(OCIError) {
        try reader.refuseOthers(than: ["name", "annotations", "containerEdits"])
        let name = try reader.required("name")
        guard DeviceName.isDevice(name) else { throw reader.failure("name", "\"\(name)\" is no name of a device") }
        guard devices[name] == nil else { throw reader.failure("name", "\(name) is there twice") }
        _ = try reader.stringMap("annotations")
        guard let section = try reader.object("containerEdits") else {
            throw reader.failure("containerEdits", "it is missing")
        }
        let edits = try ContainerEdits(section)
        guard edits != ContainerEdits() else { throw reader.failure("containerEdits", "nothing is in it") }
        devices[name] = edits
    }
}

/// The name by which a container asks for a device: `vendor.com/class=device`.
package enum DeviceName {
    package static func isQualified(_ text: String) -> Bool {
        guard let equals = text.firstIndex(of: "=") else { return false }
        let parts = text[..<equals].split(separator: "/", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { isPart($0, marks: "_-.") }
            && isDevice(text[text.index(after: equals)...])
    }

    /// A device may be a mere number.
    static func isDevice(_ text: some StringProtocol) -> Bool {
        guard let first = text.utf8.first else { return false }
        return isPart((48...57).contains(first) ? "d" + text : String(text), marks: "_-.:")
    }

    /// Begins with a letter, ends with a letter or digit; between them are those and `marks`.
    static func isPart(_ text: some StringProtocol, marks: String) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, let last = bytes.last, isLetter(first), isLetter(last) || isDigit(last) else {
            return false
        }
        return bytes.allSatisfy { isLetter($0) || isDigit($0) || marks.utf8.contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte) || (97...122).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
}

extension SpecificationReader {
    /// For files in which nothing may be passed over.
    func refuseOthers(than known: [String]) throws(OCIError) {
        if let other = names.first(where: { !known.contains($0) }) { throw failure(other, "it is not known") }
    }
}
