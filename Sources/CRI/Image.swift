package struct Image: Sendable, Hashable {
    /// The digest of its configuration.
    package var id: String
    package var tags: [String]
    package var digests: [String]
    /// Bytes on disk.
    package var size: UInt64
    /// The user it runs as where it names one by number.
    package var user: Int64?
    /// The user it runs as where it names one by name.
    package var userName: String
    /// Not to be removed to make room: it could not be fetched again.
    package var isPinned = false

    package init(id: String, tags: [String], digests: [String], size: UInt64, user: Int64?, userName: String) {
        self.id = id
        self.tags = tags
        self.digests = digests
        self.size = size
        self.user = user
        self.userName = userName
    }
}

package struct RegistryAuth: Sendable, Hashable {
    package var username: String
    package var password: String

    package init(username: String, password: String) {
        self.username = username
        self.password = password
    }
}

package struct FilesystemUsage: Sendable, Hashable {
    package var path: String
    package var usedBytes: UInt64
    package var usedInodes: UInt64

    package init(path: String, usedBytes: UInt64, usedInodes: UInt64) {
        self.path = path
        self.usedBytes = usedBytes
        self.usedInodes = usedInodes
    }
}
