import CLaunch
import Glibc

/// A mount's options sorted by what they are: attributes, propagation, what the runtime itself does, and the rest for the filesystem.
struct MountOptions: Equatable {
    var isBind = false
    var isRecursive = false
    var isRemount = false
    var copiesUp = false
    var idmap = false
    var mapsBeneath = false
    /// Of `idmap=`: "uids=INSIDE-OUTSIDE-SIZE#…;gids=…", as crun and podman have it.
    var mappings: String?
    var set: UInt64 = 0
    var clear: UInt64 = 0
    var setBeneath: UInt64 = 0
    var clearBeneath: UInt64 = 0
    var propagation: UInt32 = 0
    var spreadsBeneath = false
    var data: [String] = []

    private static let readOnly: UInt64 = 0x1
    private static let noSUID: UInt64 = 0x2
    private static let noDevices: UInt64 = 0x4
    private static let noExecute: UInt64 = 0x8
    private static let accessTimes: UInt64 = 0x70
    private static let noDirectoryTimes: UInt64 = 0x80
    private static let noLinks: UInt64 = 0x20_0000

    private struct Attribute {
        var name: String
        var set: UInt64
        var clear: UInt64

        init(_ name: String, _ set: UInt64, _ clear: UInt64) {
            self.name = name
            self.set = set
            self.clear = clear
        }
    }

    /// What an option sets and clears; a leading "r" makes it hold for all beneath. A list and no table, which would be made anew by each call.
    private static let attributes = [
        Attribute("ro", readOnly, 0), Attribute("rw", 0, readOnly), Attribute("nosuid", noSUID, 0),
        Attribute("suid", 0, noSUID), Attribute("nodev", noDevices, 0), Attribute("dev", 0, noDevices),
        Attribute("noexec", noExecute, 0), Attribute("exec", 0, noExecute), Attribute("noatime", 0x10, accessTimes),
        Attribute("atime", 0, accessTimes), Attribute("relatime", 0, accessTimes),
        Attribute("norelatime", 0x20, accessTimes), Attribute("strictatime", 0x20, accessTimes),
        Attribute("nostrictatime", 0, accessTimes), Attribute("nodiratime", noDirectoryTimes, 0),
        Attribute("diratime", 0, noDirectoryTimes), Attribute("nosymfollow", noLinks, 0),
        Attribute("symfollow", 0, noLinks),
    ]

    private static let propagations = ["private", "shared", "slave", "unbindable"]

    private static func propagation(_ name: String) -> UInt32? {
        switch name {
        case "private": UInt32(MS_PRIVATE)
        case "shared": UInt32(MS_SHARED)
        case "slave": UInt32(MS_SLAVE)
        case "unbindable": UInt32(MS_UNBINDABLE)
        default: nil
        }
    }

    /// The kernel's default, or of no meaning to it.
    private static let withoutEffect = [
        "defaults", "async", "loud", "silent", "nomand", "mand", "noiversion", "iversion", "nolazytime", "user",
        "nouser", "auto", "noauto", "_netdev", "nofail",
    ]

    init(_ options: [String]) {
        for option in options { read(option) }
    }

    private mutating func read(_ option: String) {
        switch option {
        case "bind": isBind = true
        case "rbind":
            isBind = true
            isRecursive = true
        case "remount": isRemount = true
        case "tmpcopyup": copiesUp = true
        case "idmap": idmap = true
        case "ridmap":
            idmap = true
            mapsBeneath = true
        case _ where option.hasPrefix("idmap="):
            idmap = true
            mappings = String(option.dropFirst("idmap=".count))
        case _ where option.hasPrefix("ridmap="):
            idmap = true
            mapsBeneath = true
            mappings = String(option.dropFirst("ridmap=".count))
        case _ where MountOptions.withoutEffect.contains(option): break
        default: if !readAttribute(option) { data.append(option) }
        }
    }

    private mutating func readAttribute(_ option: String) -> Bool {
        let beneath = option.hasPrefix("r") ? String(option.dropFirst()) : ""
        if let found = MountOptions.attributes.first(where: { $0.name == option }) {
            clear = clear & ~found.set | found.clear
            set = set & ~found.clear | found.set
        } else if let kind = MountOptions.propagation(option) {
            propagation = kind
        } else if let found = MountOptions.attributes.first(where: { $0.name == beneath }) {
            clearBeneath = clearBeneath & ~found.set | found.clear
            setBeneath = setBeneath & ~found.clear | found.set
        } else if let kind = MountOptions.propagation(beneath) {
            propagation = kind
            spreadsBeneath = true
        } else {
            return false
        }
        return true
    }

    /// Every option the runtime knows by itself, for `features`.
    static var known: [String] {
        let names = attributes.map { $0.name } + propagations
        return
            (names + names.map { "r" + $0 } + withoutEffect
            + ["bind", "rbind", "remount", "tmpcopyup", "idmap", "ridmap", "sync", "dirsync", "lazytime"]).sorted()
    }
}
