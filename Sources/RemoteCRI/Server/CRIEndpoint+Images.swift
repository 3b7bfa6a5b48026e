import CRI
import HTTP
import Protobuf

extension CRIEndpoint {
    static let imageCalls: [String: Call] = [
        "ListImages": query(listImages),
        "StreamImages": parts(listedImages) { items in Message<Wire.ListImagesResponse> { $0.images = items } },
        "ImageStatus": query(imageStatus),
        "PullImage": query(pullImage),
        "RemoveImage": change(removeImage),
        "ImageFsInfo": query(imageFilesystem),
    ]

    @Sendable private static func listImages(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.ListImagesRequest>
    ) async throws(CRIError) -> Message<Wire.ListImagesResponse> {
        let images = try await listedImages(endpoint, question)
        return Message { $0.images = images }
    }

    @Sendable private static func listedImages(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.ListImagesRequest>
    ) async throws(CRIError) -> [Message<Wire.Image>] {
        guard let name = question.filter?.image?.image.nonEmpty else {
            return try await endpoint.images.listImages().map(\.wire)
        }
        return try await endpoint.images.imageStatus(name).map { [$0.wire] } ?? []
    }

    @Sendable private static func imageStatus(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.ImageStatusRequest>
    ) async throws(CRIError) -> Message<Wire.ImageStatusResponse> {
        let name = try name(question.image)
        let image = try await endpoint.images.imageStatus(name)
        let info = question.verbose ? try await endpoint.images.imageInfo(name) : [:]
        return Message {
            $0.image = image?.wire
            $0.info = info
        }
    }

    @Sendable private static func pullImage(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.PullImageRequest>
    ) async throws(CRIError) -> Message<Wire.PullImageResponse> {
        let reference = try await endpoint.images.pullImage(name(question.image), auth: RegistryAuth(question.auth))
        return Message { $0.imageRef = reference }
    }

    @Sendable private static func removeImage(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.RemoveImageRequest>
    ) async throws(CRIError) -> Message<Wire.Empty> {
        // All names go with the image, as the CRI has it: by its id.
        let name = try name(question.image)
        guard let image = try await endpoint.images.imageStatus(name) else { return Message() }
        try await endpoint.images.removeImage(image.id)
        return Message()
    }

    @Sendable private static func imageFilesystem(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.Empty>
    ) async throws(CRIError) -> Message<Wire.ImageFsInfoResponse> {
        let usage = try await endpoint.images.imageFilesystem()
        return Message {
            $0.imageFilesystems = [usage.wire(at: endpoint.now)]
            $0.containerFilesystems = [usage.wire(at: endpoint.now)]
        }
    }

    private static func name(_ spec: Message<Wire.ImageSpec>?) throws(CRIError) -> String {
        guard let name = spec?.image.nonEmpty else { throw .invalid("no image is named") }
        return name
    }
}
