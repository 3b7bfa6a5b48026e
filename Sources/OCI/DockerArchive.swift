import JSONTree

/// The `manifest.json` of an archive as `docker save` writes it: images, each with the paths of its configuration and its layers.
package struct DockerArchive: Sendable, Hashable {
    package struct Image: Sendable, Hashable {
        package var configuration: String
        package var names: [String]
        /// The lowest first.
        package var layers: [String]

        package init(names: [String], configuration: String, layers: [String]) {
            self.names = names
            self.configuration = configuration
            self.layers = layers
        }
    }

    package var images: [Image]

    package init(images: [Image]) { self.images = images }

    package init(_ value: JSONValue, file: String) throws(OCIError) {
        guard case .array(let elements) = value else {
            throw .field(file: file, field: "", cause: "it must be a list of images")
        }
        images = []
        for (index, element) in elements.prefix(ImageManifestList.limit).enumerated() {
            let reader = try SpecificationReader(element, file: "\(file): [\(index)]")
            let layers = try reader.strings("Layers") ?? []
            guard layers.count <= ImageManifest.layerLimit else {
                throw reader.failure("Layers", "\(layers.count) are more than \(ImageManifest.layerLimit)")
            }
            images.append(
                Image(
                    names: try reader.strings("RepoTags") ?? [], configuration: try reader.required("Config"),
                    layers: layers))
        }
    }

    package var json: JSONValue {
        .array(
            images.map { image in
                [
                    "Config": .string(image.configuration), "RepoTags": .array(image.names.map { .string($0) }),
                    "Layers": .array(image.layers.map { .string($0) }),
                ]
            })
    }
}
