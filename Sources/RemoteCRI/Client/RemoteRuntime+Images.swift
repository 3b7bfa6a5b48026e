import CRI
import Protobuf

extension RemoteRuntime: ImageService {
    private static let pullLimit = Duration.seconds(3_600)

    package func listImages() async throws(CRIError) -> [Image] {
        try await ask(
            "ListImages", of: "ImageService", Message<Wire.ListImagesRequest>(), as: Wire.ListImagesResponse.self
        ).images.map { Image($0) }
    }

    package func imageStatus(_ image: String) async throws(CRIError) -> Image? {
        let question = Message<Wire.ImageStatusRequest> { $0.image = Self.spec(image) }
        return try await ask("ImageStatus", of: "ImageService", question, as: Wire.ImageStatusResponse.self)
            .image.map { Image($0) }
    }

    package func imageInfo(_ image: String) async throws(CRIError) -> [String: String] {
        let question = Message<Wire.ImageStatusRequest> {
            $0.image = Self.spec(image)
            $0.verbose = true
        }
        return try await ask("ImageStatus", of: "ImageService", question, as: Wire.ImageStatusResponse.self).info
    }

    package func pullImage(_ image: String, auth: RegistryAuth?) async throws(CRIError) -> String {
        let question = Message<Wire.PullImageRequest> {
            $0.image = Self.spec(image)
            $0.auth = auth?.wire
        }
        return try await ask(
            "PullImage", of: "ImageService", question, within: Self.pullLimit, as: Wire.PullImageResponse.self
        ).imageRef
    }

    package func removeImage(_ image: String) async throws(CRIError) {
        let question = Message<Wire.RemoveImageRequest> { $0.image = Self.spec(image) }
        _ = try await ask(
            "RemoveImage", of: "ImageService", question, within: Self.changeLimit, as: Wire.Empty.self)
    }

    package func imageFilesystem() async throws(CRIError) -> FilesystemUsage {
        let answer = try await ask(
            "ImageFsInfo", of: "ImageService", Message<Wire.Empty>(), as: Wire.ImageFsInfoResponse.self)
        guard let usage = answer.imageFilesystems.first else { throw .failed("the runtime names no image filesystem") }
        return FilesystemUsage(usage)
    }

    private static func spec(_ image: String) -> Message<Wire.ImageSpec> {
        Message { $0.image = image }
    }
}
