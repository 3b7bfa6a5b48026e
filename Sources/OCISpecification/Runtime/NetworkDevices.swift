extension LinuxSpecification.NetworkDevice {
    /// The section `netDevices`, by the host's names.
    static func list(_ reader: SpecificationReader) throws(OCIError) -> [Self] {
        guard let section = try reader.object("netDevices") else { return [] }
        var list: [Self] = []
        for hostName in section.names.sorted() {
            guard isName(hostName) else { throw section.failure(hostName, "it is no name of a network device") }
            let device = try section.object(hostName)
            let told = try device?.string("name") ?? ""
            let name = told.isEmpty ? hostName : told
            guard isName(name) else {
                throw section.failure("\(hostName).name", "\"\(name)\" is no name of a network device")
            }
            guard name.contains("%") || !list.contains(where: { $0.name == name }) else {
                throw section.failure("\(hostName).name", "\(name) is there twice")
            }
            list.append(Self(hostName: hostName, name: name))
        }
        return list
    }

    /// An entry of a device's edits, which says both names.
    init(_ reader: SpecificationReader, besides others: [Self]) throws(OCIError) {
        try reader.refuseOthers(than: ["hostInterfaceName", "name"])
        for field in ["hostInterfaceName", "name"] {
            let text = try reader.required(field)
            guard Self.isName(text) else { throw reader.failure(field, "\"\(text)\" is no name of a network device") }
        }
        self.init(hostName: try reader.required("hostInterfaceName"), name: try reader.required("name"))
        guard !others.contains(where: { $0.hostName == hostName }) else {
            throw reader.failure("hostInterfaceName", "\(hostName) is there twice")
        }
        guard !others.contains(where: { $0.name == name }) else {
            throw reader.failure("name", "\(name) is there twice")
        }
    }

    /// As the kernel has it.
    private static func isName(_ text: String) -> Bool {
        let bytes = text.utf8
        return !bytes.isEmpty && bytes.count < 16 && text != "." && text != ".."
            && bytes.allSatisfy { $0 > 32 && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") && $0 != 127 }
    }
}
