import JSONTree

/// A bundle's `config.json`, as far as an image is made from it: process and root. The rest of a bundle's configuration (namespaces, mounts,
/// limits) is the pod's to decide.
package struct RuntimeSpecification: Sendable, Hashable {
    package struct Process: Sendable, Hashable {
        package var arguments: [String] = []
        /// `NAME=value`.
        package var environment: [String] = []
        package var workingDirectory = "/"
        package var userID: UInt32 = 0
        package var groupID: UInt32 = 0
    }

    package var version: String
    package var process: Process?
    /// The root directory, relative to the bundle unless absolute.
    package var rootPath: String
    package var annotations: [String: String] = [:]

    package init(_ value: JSONValue, file: String) throws(OCIError) {
        let reader = try SpecificationReader(value, file: file)
        guard let version = try reader.string("ociVersion") else {
            throw reader.failure("ociVersion", "it is missing; a bundle's config.json has it")
        }
        guard version.hasPrefix("1.") else {
            throw reader.failure("ociVersion", "version \(version) is not known; 1.x is")
        }
        guard let root = try reader.object("root"), let path = try root.string("path"), !path.isEmpty else {
            throw reader.failure("root.path", "it is missing")
        }
        self.version = version
        rootPath = path
        annotations = try reader.stringMap("annotations") ?? [:]
        process = try reader.object("process").map { reader throws(OCIError) in try Process(reader) }
    }

    /// What the bundle says of its process, as an image says it. Its arguments become the command, not the entry point, so that a
    /// pod's `args` replace them.
    package var imageConfiguration: ImageConfiguration {
        var configuration = ImageConfiguration()
        guard let process else { return configuration }
        configuration.command = process.arguments
        configuration.environment = process.environment
        configuration.workingDirectory = process.workingDirectory
        if process.userID != 0 || process.groupID != 0 {
            configuration.user = "\(process.userID):\(process.groupID)"
        }
        configuration.labels = annotations
        return configuration
    }
}

extension RuntimeSpecification.Process {
    init(_ reader: SpecificationReader) throws(OCIError) {
        arguments = try reader.strings("args") ?? []
        environment = try reader.strings("env") ?? []
        workingDirectory = try reader.string("cwd") ?? "/"
        guard workingDirectory.hasPrefix("/") else { throw reader.failure("cwd", "it must be an absolute path") }
        guard let user = try reader.object("user") else { return }
        userID = try Self.identity(user, "uid")
        groupID = try Self.identity(user, "gid")
    }

    /// Identities above 2^31 - 1 are refused: they wrap around in too many places.
    private static func identity(_ reader: SpecificationReader, _ name: String) throws(OCIError) -> UInt32 {
        let number = try reader.integer(name) ?? 0
        guard let value = Int32(exactly: number), value >= 0 else {
            throw reader.failure(name, "it must be from 0 to 2147483647")
        }
        return UInt32(value)
    }
}
