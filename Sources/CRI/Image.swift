/// An image that the node has.
package struct Image: Sendable, Hashable {
    /// The digest of its configuration.
    package var id: String
    /// Its names, with host and tag, such as `docker.io/library/busybox:latest`.
    package var tags: [String]
    /// Those by digest, such as `docker.io/library/busybox@sha256:…`.
    package var digests: [String]
    /// Bytes on disk.
    package var size: UInt64
    /// The user it runs as where it names one by number.
    package var user: Int64?
    /// The user it runs as where it names one by name.
    package var userName: String
    /// Not to be removed to make room: it could not be fetched again.
    package var isPinned: Bool

    package init(
        id: String, tags: [String], digests: [String], size: UInt64, user: Int64?, userName: String,
        isPinned: Bool = false
    ) {
        self.id = id
        self.tags = tags
        self.digests = digests
        self.size = size
        self.user = user
        self.userName = userName
        self.isPinned = isPinned
    }
}

/// What a registry is told about who asks: name and password, or one of the tokens.
package struct RegistryAuth: Sendable, Hashable {
    package var username: String
    package var password: String
    /// Exchanged for a registry token at the registry's token service (OAuth 2, a refresh token).
    package var identityToken: String
    /// Sent to the registry as it is.
    package var registryToken: String

    package init(
        username: String = "", password: String = "", identityToken: String = "", registryToken: String = ""
    ) {
        self.username = username
        self.password = password
        self.identityToken = identityToken
        self.registryToken = registryToken
    }
}

/// What lies beneath a path of the host.
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
