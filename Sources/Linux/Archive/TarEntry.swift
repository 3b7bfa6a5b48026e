import Glibc

/// One member of a tar archive. Nothing in it has been checked: a path may be absolute, hold `..` or lead through links.
package struct TarEntry: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        case file
        case directory
        case symbolicLink(FilePath)
        /// A second name of a member that came before.
        case hardLink(FilePath)
        case characterDevice
        case blockDevice
        case pipe
        /// A socket, or what no specification knows.
        case other
    }

    package var path: FilePath
    package var kind: Kind
    /// Permissions with the set-id and sticky bits, without the type.
    package var mode: mode_t
    package var owner: uid_t
    package var group: gid_t
    /// Of a file's content, in bytes.
    package var size: UInt64
    package var modified: timespec
    package var device: dev_t
    package var attributes: [Attribute]

    package struct Attribute: Sendable, Equatable {
        package var name: FilePath
        package var value: [UInt8]

        package init(_ name: FilePath, _ value: [UInt8]) {
            self.name = name
            self.value = value
        }
    }

    package init(
        _ path: FilePath, _ kind: Kind, mode: mode_t = 0o644, owner: uid_t = 0, group: gid_t = 0, size: UInt64 = 0,
        modified: timespec = timespec(), device: dev_t = 0, attributes: [Attribute] = []
    ) {
        self.path = path
        self.kind = kind
        self.mode = mode
        self.owner = owner
        self.group = group
        self.size = size
        self.modified = modified
        self.device = device
        self.attributes = attributes
    }

    package static func == (a: TarEntry, b: TarEntry) -> Bool {
        a.path == b.path && a.kind == b.kind && a.mode == b.mode && a.owner == b.owner && a.group == b.group
            && a.size == b.size && a.modified.tv_sec == b.modified.tv_sec && a.modified.tv_nsec == b.modified.tv_nsec
            && a.device == b.device && a.attributes == b.attributes
    }
}
