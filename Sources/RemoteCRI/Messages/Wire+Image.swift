import Protobuf

extension Wire {
    final class ImageSpec: ProtobufFields {
        let image = Scalar<String>(1)
        let annotations = TextMap(2)
        let userSpecifiedImage = Scalar<String>(18)
        let runtimeHandler = Scalar<String>(19)
        let imageRef = Scalar<String>(20)
    }

    final class Image: ProtobufFields {
        let id = Scalar<String>(1)
        let repoTags = Texts(2)
        let repoDigests = Texts(3)
        let size = Scalar<UInt64>(4)
        let uid = Child<Int64Value>(5)
        let username = Scalar<String>(6)
        let spec = Child<ImageSpec>(7)
        let pinned = Scalar<Bool>(8)
    }

    final class ImageFilter: ProtobufFields {
        let image = Child<ImageSpec>(1)
    }

    final class ListImagesRequest: ProtobufFields {
        let filter = Child<ImageFilter>(1)
    }

    final class ListImagesResponse: ProtobufFields {
        let images = Children<Image>(1)
    }

    final class ImageStatusRequest: ProtobufFields {
        let image = Child<ImageSpec>(1)
        let verbose = Scalar<Bool>(2)
    }

    final class ImageStatusResponse: ProtobufFields {
        let image = Child<Image>(1)
        let info = TextMap(2)
    }

    final class AuthConfig: ProtobufFields {
        let username = Scalar<String>(1)
        let password = Scalar<String>(2)
        let auth = Scalar<String>(3)
        let serverAddress = Scalar<String>(4)
        let identityToken = Scalar<String>(5)
        let registryToken = Scalar<String>(6)
    }

    final class PullImageRequest: ProtobufFields {
        let image = Child<ImageSpec>(1)
        let auth = Child<AuthConfig>(2)
        let sandboxConfig = Child<PodSandboxConfig>(3)
    }

    final class PullImageResponse: ProtobufFields {
        let imageRef = Scalar<String>(1)
    }

    final class RemoveImageRequest: ProtobufFields {
        let image = Child<ImageSpec>(1)
    }

    final class ImageFsInfoResponse: ProtobufFields {
        let imageFilesystems = Children<FilesystemUsage>(1)
        let containerFilesystems = Children<FilesystemUsage>(2)
    }

    final class FilesystemUsage: ProtobufFields {
        let timestamp = Scalar<Int64>(1)
        let fsID = Child<FilesystemIdentifier>(2)
        let usedBytes = Child<UInt64Value>(3)
        let inodesUsed = Child<UInt64Value>(4)
    }

    final class FilesystemIdentifier: ProtobufFields {
        let mountpoint = Scalar<String>(1)
    }
}
