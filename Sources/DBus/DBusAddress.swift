import Glibc

/// Where a bus listens: D-Bus Specification, "Server Addresses". Sockets of this machine alone.
package enum DBusAddress: Sendable, Equatable, CustomStringConvertible {
    case file(String)
    case abstract(String)

    package var description: String {
        switch self {
        case .file(let path): path
        case .abstract(let name): "@" + name
        }
    }

    /// The system's bus, and that of a user's session, as the environment names them.
    package static func system() -> [DBusAddress] {
        variable("DBUS_SYSTEM_BUS_ADDRESS").map(parse) ?? [.file("/run/dbus/system_bus_socket")]
    }

    package static func session() -> [DBusAddress] {
        if let text = variable("DBUS_SESSION_BUS_ADDRESS") { return parse(text) }
        return [.file((variable("XDG_RUNTIME_DIR") ?? "/run/user/\(getuid())") + "/bus")]
    }

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// `unix:path=/run/bus,guid=...;unix:abstract=...`; what is none of these is passed over.
    package static func parse(_ text: String) -> [DBusAddress] {
        text.split(separator: ";").compactMap { address in
            guard address.hasPrefix("unix:") else { return nil }
            for pair in address.dropFirst(5).split(separator: ",") {
                let parts = pair.split(separator: "=", maxSplits: 1)
                guard parts.count == 2, let value = unescaped(parts[1]) else { continue }
                if parts[0] == "path" { return .file(value) }
                if parts[0] == "abstract" { return .abstract(value) }
            }
            return nil
        }
    }

    /// `%20` is a byte by its number.
    private static func unescaped(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
    }

    /// Runs `body` with the kernel's form; nil where the name is too long for it.
    func withKernelForm<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result? {
        let name: [UInt8]
        switch self {
        case .file(let path): name = Array(path.utf8)
        case .abstract(let text): name = [0] + text.utf8
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard !name.isEmpty, name.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        // The zero that ends a path is part of it; a name in the abstract namespace is its bytes alone.
        let isFile = name[0] != 0
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count + (isFile ? 1 : 0))
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }
}
