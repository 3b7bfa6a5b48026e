import CRI

/// `--volume`, `--tmpfs` and `--mount`.
extension RunSpec {
    /// `SOURCE:TARGET`, `SOURCE:TARGET:OPTIONS`; both are absolute paths, or the source begins with a dot.
    /// - Parameter directory: the caller's, absolute; nil where it is gone.
    package static func mount(_ text: String, from directory: String?) throws(DaemonError) -> CRI.Mount {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count), let source = path(parts[0], from: directory), parts[1].hasPrefix("/")
        else {
            throw DaemonError(
                "--volume \(text): write /PATH/HERE:/PATH/THERE, with :ro where it is only to be read; "
                    + "a path from here begins with ./")
        }
        var mount = CRI.Mount(hostPath: source, containerPath: parts[1])
        let options = parts.count == 3 ? parts[2].split(separator: ",", omittingEmptySubsequences: false) : []
        for option in options {
            switch option {
            case "ro": mount.isReadOnly = true
            case "rw": mount.isReadOnly = false
            case "z", "Z": (mount.isRelabelled, mount.sharesLabel) = (true, option == "z")
            default:
                guard let propagation = propagation(String(option)) else {
                    throw DaemonError(
                        "--volume \(text): there are ro, rw, z, Z, rprivate, rslave and rshared, but no \"\(option)\"")
                }
                mount.propagation = propagation
            }
        }
        return mount
    }

    /// A file system in memory: `TARGET`, `TARGET:OPTIONS` with `size=64m`, `mode=1777`, `uid=`, `gid=`, `ro`, `exec`.
    package static func memory(_ text: String) throws(DaemonError) -> CRI.Mount {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        var mount = CRI.Mount(hostPath: "", containerPath: parts[0])
        var memory = MemoryVolume(options: ["mode": "1777"])
        for option in parts.count == 2 ? parts[1].split(separator: ",").map(String.init) : [] {
            let (name, value) = (option.prefix { $0 != "=" }, option.drop { $0 != "=" }.dropFirst())
            switch name {
            case "rw", "noexec", "nosuid", "nodev", "": break
            case "ro": mount.isReadOnly = true
            case "exec": memory.isExecutable = true
            case "size": memory.options["size"] = String(try bytes(String(value), of: "--tmpfs \(parts[0]): size"))
            case "mode" where isNumber(value, radix: 8), "uid" where isNumber(value), "gid" where isNumber(value):
                memory.options[String(name)] = String(value)
            default:
                throw DaemonError("--tmpfs \(text): there are size, mode, uid, gid, ro and exec, but no \"\(option)\"")
            }
        }
        guard parts[0].hasPrefix("/"), parts[0] != "/" else { throw DaemonError("--tmpfs \(text): write /PATH/THERE") }
        mount.memory = memory
        return mount
    }

    /// `type=bind,source=/HERE,target=/THERE,readonly` or `type=tmpfs,target=/THERE,tmpfs-size=64m`.
    package static func mount(fields text: String, from directory: String?) throws(DaemonError) -> CRI.Mount {
        var fields: [String: String] = [:]
        let names = ["src": "source", "dst": "target", "destination": "target", "ro": "readonly"]
        for field in text.split(separator: ",") {
            let (name, value) = (String(field.prefix { $0 != "=" }), field.drop { $0 != "=" }.dropFirst())
            fields[names[name] ?? name] = String(value)
        }
        let (type, target) = (
            fields.removeValue(forKey: "type") ?? "volume", fields.removeValue(forKey: "target") ?? ""
        )
        var mount: CRI.Mount
        switch type {
        case "bind":
            guard let source = path(fields.removeValue(forKey: "source") ?? "", from: directory) else {
                throw DaemonError("--mount \(text): source is a path of this machine; one from here begins with ./")
            }
            mount = CRI.Mount(hostPath: source, containerPath: target)
            if let word = fields["bind-propagation"], let propagation = propagation(word) {
                mount.propagation = propagation
                fields["bind-propagation"] = nil
            }
        case "tmpfs":
            mount = CRI.Mount(hostPath: "", containerPath: target)
            var memory = MemoryVolume(options: ["mode": "1777"])
            if let size = fields.removeValue(forKey: "tmpfs-size") {
                memory.options["size"] = String(try bytes(size, of: "--mount: tmpfs-size"))
            }
            if let mode = fields["tmpfs-mode"], isNumber(mode, radix: 8) {
                memory.options["mode"] = mode
                fields["tmpfs-mode"] = nil
            }
            mount.memory = memory
        default: throw DaemonError("--mount \(text): there are type=bind and type=tmpfs, but no type=\(type)")
        }
        if let value = fields["readonly"],
            let isReadOnly = ["": true, "true": true, "1": true, "false": false, "0": false][value]
        {
            mount.isReadOnly = isReadOnly
            fields["readonly"] = nil
        }
        guard target.hasPrefix("/"), target != "/" else {
            throw DaemonError("--mount \(text): target must be an absolute path")
        }
        guard fields.isEmpty else {
            throw DaemonError("--mount \(text): \(fields.keys.sorted().joined(separator: ", ")) cannot be understood")
        }
        return mount
    }

    private static func isNumber(_ text: some StringProtocol, radix: Int = 10) -> Bool {
        UInt32(text, radix: radix) != nil
    }

    private static func propagation(_ text: String) -> CRI.Mount.Propagation? {
        switch text {
        case "private", "rprivate": .private
        case "slave", "rslave": .hostToContainer
        case "shared", "rshared": .bidirectional
        default: nil
        }
    }

    /// Nil for a bare name: elsewhere that is a volume which has one, and those are not here.
    private static func path(_ text: String, from directory: String?) -> String? {
        if text.hasPrefix("/") { return text }
        let first = text.split(separator: "/").first
        guard let directory, first == "." || first == ".." else { return nil }
        return directory + "/" + text
    }
}
