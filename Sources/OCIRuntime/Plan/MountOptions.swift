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

    /// What an option sets and clears; a leading "r" makes it hold for all beneath.
    private static let attributes: [String: (set: UInt64, clear: UInt64)] = [
        "ro": (readOnly, 0), "rw": (0, readOnly), "nosuid": (noSUID, 0), "suid": (0, noSUID),
        "nodev": (noDevices, 0), "dev": (0, noDevices), "noexec": (noExecute, 0), "exec": (0, noExecute),
        "noatime": (0x10, accessTimes), "atime": (0, accessTimes), "relatime": (0, accessTimes),
        "norelatime": (0x20, accessTimes), "strictatime": (0x20, accessTimes), "nostrictatime": (0, accessTimes),
        "nodiratime": (noDirectoryTimes, 0), "diratime": (0, noDirectoryTimes), "nosymfollow": (noLinks, 0),
        "symfollow": (0, noLinks),
    ]

    private static let propagations: [String: Int] = [
        "private": Int(MS_PRIVATE), "shared": Int(MS_SHARED), "slave": Int(MS_SLAVE),
        "unbindable": Int(MS_UNBINDABLE),
    ]

    /// The kernel's default, or of no meaning to it.
    private static let withoutEffect: Set = [
        "defaults", "async", "loud", "silent", "nomand", "mand", "noiversion", "iversion", "nolazytime", "user",
        "nouser",
        "auto", "noauto", "_netdev", "nofail",
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
        case _ where MountOptions.withoutEffect.contains(option): break
        default: if !readAttribute(option) { data.append(option) }
        }
    }

    private mutating func readAttribute(_ option: String) -> Bool {
        if let found = MountOptions.attributes[option] {
            clear = clear & ~found.set | found.clear
            set = set & ~found.clear | found.set
        } else if let kind = MountOptions.propagations[option] {
            propagation = UInt32(kind)
        } else if option.hasPrefix("r"), let found = MountOptions.attributes[String(option.dropFirst())] {
            clearBeneath = clearBeneath & ~found.set | found.clear
            setBeneath = setBeneath & ~found.clear | found.set
        } else if option.hasPrefix("r"), let kind = MountOptions.propagations[String(option.dropFirst())] {
            propagation = UInt32(kind)
            spreadsBeneath = true
        } else {
            return false
        }
        return true
    }

    /// Every option the runtime knows by itself, for `features`.
    static var known: [String] {
        let names = Array(attributes.keys) + Array(propagations.keys)
        return
            (names + names.map { "r" + $0 } + withoutEffect
            + ["bind", "rbind", "remount", "tmpcopyup", "idmap", "ridmap", "sync", "dirsync", "lazytime"]).sorted()
    }
}
