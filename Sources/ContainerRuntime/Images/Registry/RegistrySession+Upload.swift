import HTTP
import OCI

/// Pushing, as the distribution specification has it.
extension RegistrySession {
    func has(_ digest: Digest) async throws(RegistryFailure) -> Bool {
        let response = try await send(.head, url("blobs/\(digest)"))
        response.discard()
        switch response.status {
        case 200: return true
        case 404: return false
        default: throw failure(response, body: [], of: digest)
        }
    }

    /// Begins an upload.
    /// - Parameter neighbour: another repository of this registry, which may have the file.
    /// - Returns: where it goes; nil where the registry took the file over from the neighbour.
    func begin(_ digest: Digest, besides neighbour: String?) async throws(RegistryFailure) -> RegistryURL? {
        if let neighbour {
            let mount = url("blobs/uploads/").adding(
                QueryItem("mount", digest.description), QueryItem("from", neighbour))
            let response = try await send(.post, mount)
            response.discard()
            if response.status == 201 { return nil }
            if response.status == 202 { return try place(response, from: origin) }
            // It may not be looked at there; that says nothing about here.
        }
        let response = try await send(.post, url("blobs/uploads/"))
        guard response.status == 202 else { throw try await failure(response, "an upload to \(repository)") }
        response.discard()
        return try place(response, from: origin)
    }

    /// Sends a part.
    /// - Returns: where the next goes.
    func upload(
        _ bytes: [UInt8], at offset: UInt64, to place: RegistryURL
    ) async throws(RegistryFailure) -> RegistryURL {
        let headers: HTTPHeaders = [
            "Content-Type": "application/octet-stream",
            "Content-Range": "\(offset)-\(offset + UInt64(bytes.count) - 1)",
        ]
        let response = try await send(.patch, place, headers: headers, body: bytes)
        guard response.status == 202 || response.status == 204 else {
            throw try await failure(response, "a part of a file")
        }
        response.discard()
        return try self.place(response, from: place.origin)
    }

    /// Sends the last part and names the file.
    func finish(
        _ bytes: [UInt8], at offset: UInt64, of digest: Digest, to place: RegistryURL
    ) async throws(RegistryFailure) {
        let place = place.adding(QueryItem("digest", digest.description))
        var headers: HTTPHeaders = ["Content-Type": "application/octet-stream"]
        if offset > 0, !bytes.isEmpty { headers["Content-Range"] = "\(offset)-\(offset + UInt64(bytes.count) - 1)" }
        let response = try await send(.put, place, headers: headers, body: bytes)
        guard response.status == 201 || response.status == 204 else {
            var failure = try await failure(response, "\(digest)")
            if response.status == 400 { failure.kind = .wrongBytes }
            throw failure
        }
        response.discard()
    }

    /// How far an upload has come; nil where the registry does not know it any more.
    func uploaded(at place: RegistryURL) async throws(RegistryFailure) -> (bytes: UInt64, place: RegistryURL)? {
        let response = try await send(.get, place)
        guard response.status == 204 || response.status == 202 else {
            let failure = try await failure(response, "an upload under way")
            if failure.kind == .passing { throw failure }
            return nil
        }
        response.discard()
        // `0-0` is written for nothing as for one byte.
        let last = response.headers["Range"].flatMap { $0.split(separator: "-").last }.flatMap { UInt64($0) } ?? 0
        let next = response.headers["Location"] == nil ? place : try self.place(response, from: place.origin)
        return (last == 0 || last == .max ? 0 : last + 1, next)
    }

    func put(_ manifest: [UInt8], _ mediaType: String, as reference: String) async throws(RegistryFailure) {
        let response = try await send(
            .put, url("manifests/\(reference)"), headers: ["Content-Type": mediaType], body: manifest)
        guard response.status == 201 || response.status == 202 else {
            throw try await failure(response, "the manifest of \(repository):\(reference)")
        }
        response.discard()
    }

    private func place(
        _ response: HTTPResponse, from base: RegistryOrigin
    ) throws(RegistryFailure) -> RegistryURL {
        guard let location = response.headers["Location"] else {
            throw RegistryFailure(.refused, "registry \(origin) does not say where an upload goes")
        }
        return try permitted(location, from: base)
    }

    private func failure(
        _ response: HTTPResponse, _ what: String
    ) async throws(RegistryFailure) -> RegistryFailure {
        let body = try await whole(response, limit: 1 << 20, from: origin)
        return failure(response, body: body, of: what)
    }
}
