import APIMachinery
import CRI
import Protobuf

extension Image {
    init(_ wire: Message<Wire.Image>) {
        self.init(
            id: wire.id, tags: wire.repoTags, digests: wire.repoDigests, size: wire.size, user: wire.uid?.value,
            userName: wire.username)
        isPinned = wire.pinned
    }

    var wire: Message<Wire.Image> {
        Message { image in
            image.id = id
            image.repoTags = tags
            image.repoDigests = digests
            // A size of 0 would be no image; a tree of empty files has one.
            image.size = max(1, size)
            image.uid = user.map { user in Message { $0.value = user } }
            image.username = userName
            image.pinned = isPinned
        }
    }
}

extension RegistryAuth {
    /// nil where it holds nothing. `auth` is user and password in one, in base64.
    init?(_ wire: Message<Wire.AuthConfig>?) throws(CRIError) {
        guard let wire else { return nil }
        self.init(
            username: wire.username, password: wire.password, identityToken: wire.identityToken,
            registryToken: wire.registryToken)
        if username.isEmpty && password.isEmpty && !wire.auth.isEmpty {
            guard let bytes = Bytes(base64: wire.auth)?.array, let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
            else {
                throw .invalid("auth is no base64 of USER:PASSWORD")
            }
            username = String(decoding: bytes[..<colon], as: UTF8.self)
            password = String(decoding: bytes[bytes.index(after: colon)...].filter { $0 != 0 }, as: UTF8.self)
        }
        if self == RegistryAuth() { return nil }
    }

    var wire: Message<Wire.AuthConfig> {
        Message {
            $0.username = username
            $0.password = password
            $0.identityToken = identityToken
            $0.registryToken = registryToken
        }
    }
}

extension FilesystemUsage {
    init(_ wire: Message<Wire.FilesystemUsage>) {
        self.init(
            path: wire.fsID?.mountpoint ?? "", usedBytes: wire.usedBytes?.value ?? 0,
            usedInodes: wire.inodesUsed?.value ?? 0)
    }

    func wire(at time: Int64) -> Message<Wire.FilesystemUsage> {
        Message { usage in
            usage.timestamp = time
            usage.fsID = Message { $0.mountpoint = path }
            usage.usedBytes = Message { $0.value = usedBytes }
            usage.inodesUsed = Message { $0.value = usedInodes }
        }
    }
}
