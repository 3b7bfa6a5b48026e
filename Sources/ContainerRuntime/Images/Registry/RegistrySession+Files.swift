import CRI
import HTTP
import OCI

extension RegistrySession {
    /// Largest manifest and index (the distribution specification asks for 4 MiB at least).
    private static let manifestLimit = 4 << 20

    /// A manifest or an index: its bytes, checked where the digest is known, and its media type.
    /// - Parameter reference: a tag or a digest.
    func manifest(
        _ reference: String, expecting digest: Digest?
    ) async throws(RegistryFailure) -> (bytes: [UInt8], mediaType: String) {
        let accept = HTTPHeaders([(name: "Accept", value: ImageMediaType.manifests.joined(separator: ", "))])
        let response = try await send(.get, url("manifests/\(reference)"), headers: accept)
        let bytes = try await whole(response, limit: Self.manifestLimit, from: origin)
        guard response.status == 200 else {
            throw failure(response, body: bytes, of: "\(repository):\(reference)")
        }
        if let digest, Digest(of: bytes) != digest {
            throw RegistryFailure(
                .refused, "registry \(origin) sent a manifest with digest \(Digest(of: bytes)) for \(digest)")
        }
        let type = response.headers["Content-Type"]?.split(separator: ";").first.map(String.init) ?? ""
        return (bytes, type)
    }

    /// A small file, checked.
    func file(_ descriptor: ImageDescriptor, limit: Int) async throws(RegistryFailure) -> [UInt8] {
        guard descriptor.size <= UInt64(limit) else {
            throw RegistryFailure(.refused, "file \(descriptor.digest) is over the limit of \(limit >> 20) MiB")
        }
        let response = try await send(.get, url("blobs/\(descriptor.digest)"))
        let bytes = try await whole(response, limit: limit, from: origin)
        guard response.status == 200 else {
            throw failure(response, body: bytes, of: descriptor.digest)
        }
        guard Digest(of: bytes) == descriptor.digest else {
            throw RegistryFailure(
                .refused, "registry \(origin) sent other bytes than \(descriptor.digest) says")
        }
        try RegistryFailure.checked { () throws(CRIError) in try descriptor.check(UInt64(bytes.count)) }
        return bytes
    }

    /// What is left of a file.
    /// - Returns: where it begins, and its bytes as they come.
    func download(
        _ digest: Digest, from offset: UInt64
    ) async throws(RegistryFailure) -> (offset: UInt64, stream: ByteStream) {
        var headers: HTTPHeaders = [:]
        if offset > 0 { headers["Range"] = "bytes=\(offset)-" }
        let response = try await send(.get, blob(digest), headers: headers)
        switch response.status {
        case 200: return (0, response.stream)
        case 206:
            guard let start = Self.rangeStart(response.headers["Content-Range"]), start <= offset else {
                response.discard()
                throw RegistryFailure(.passing, "\(name) sent another part of \(digest) than was asked for")
            }
            return (start, response.stream)
        case 416:
            response.discard()
            throw RegistryFailure(.passing, "\(name) has less of \(digest) than came before")
        default:
            let body = try await whole(response, limit: 1 << 20, from: origin)
            throw failure(response, body: body, of: digest)
        }
    }

    /// `bytes 100-199/200`
    private static func rangeStart(_ field: String?) -> UInt64? {
        guard let field, field.hasPrefix("bytes ") else { return nil }
        return UInt64(field.dropFirst("bytes ".count).prefix { $0 != "-" })
    }
}

extension HTTPResponse {
    /// The body as a stream, whatever it came as.
    fileprivate var stream: ByteStream {
        if case .stream(let stream) = body { return stream }
        return ByteStream(parts)
    }
}
