import JSONTree

/// A bundle's `config.json`: the runtime specification 1.2 for Linux, read strictly. Parts for other systems are passed over, and so are properties
/// that nobody knows, as the specification demands; a value that is wrong is an error that names its field.
package struct RuntimeSpecification: Sendable, Hashable {
    /// The version that is followed, which containers and hooks are told of.
    package static let followedVersion = "1.2.0"

    package var version: String
    /// Nil for a bundle that is only created, never started.
    package var process: ProcessSpecification?
    /// The root directory, relative to the bundle unless absolute.
    package var rootPath: String
    package var rootIsReadOnly = false
    package var hostname: String?
    package var domainName: String?
    package var mounts: [MountSpecification] = []
    package var hooks = HookSpecifications()
    package var annotations: [String: String] = [:]
    package var linux = LinuxSpecification()

    package init(_ value: JSONValue, file: String) throws(OCIError) {
        let reader = try SpecificationReader(value, file: file)
        guard let version = try reader.string("ociVersion") else {
            throw reader.failure("ociVersion", "it is missing; a bundle's config.json has it")
        }
        guard RuntimeSpecification.isKnown(version) else {
            throw reader.failure("ociVersion", "version \(version) is not known; 1.x is")
        }
        guard let root = try reader.object("root"), let path = try root.string("path"), !path.isEmpty else {
            throw reader.failure("root.path", "it is missing")
        }
        self.version = version
        rootPath = path
        rootIsReadOnly = try root.bool("readonly") ?? false
        hostname = try reader.string("hostname")
        domainName = try reader.string("domainname")
        annotations = try reader.stringMap("annotations") ?? [:]
        if annotations[""] != nil { throw reader.failure("annotations", "a key must not be empty") }
        process = try reader.object("process").map { reader throws(OCIError) in try ProcessSpecification(reader) }
        for mount in try reader.objects("mounts") { mounts.append(try MountSpecification(mount)) }
        if let section = try reader.object("hooks") { hooks = try HookSpecifications(section) }
        if let section = try reader.object("linux") { linux = try LinuxSpecification(section) }
    }

    /// `1.` and two more numbers, with what a pre-release adds.
    private static func isKnown(_ version: String) -> Bool {
        let core = version.prefix { $0 != "-" && $0 != "+" }
        let parts = core.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 3 && parts[0] == "1" && parts.allSatisfy { UInt16($0) != nil }
    }
}

/// One mount of a bundle.
package struct MountSpecification: Sendable, Hashable {
    /// A path in the container. One that is not absolute means from its root.
    package var destination: String
    package var type: String?
    package var source: String?
    package var options: [String] = []
    package var userMappings: [IDMapping] = []
    package var groupMappings: [IDMapping] = []

    init(_ reader: SpecificationReader) throws(OCIError) {
        guard let destination = try reader.string("destination"), !destination.isEmpty else {
            throw reader.failure("destination", "it is missing")
        }
        self.destination = destination.hasPrefix("/") ? destination : "/" + destination
        type = try reader.string("type")
        source = try reader.string("source")
        options = try reader.strings("options") ?? []
        userMappings = try IDMapping.list(reader, "uidMappings")
        groupMappings = try IDMapping.list(reader, "gidMappings")
        if userMappings.isEmpty != groupMappings.isEmpty {
            throw reader.failure("gidMappings", "uidMappings and gidMappings belong together")
        }
    }
}

/// A range of ids of a container and where it lies on the host.
package struct IDMapping: Sendable, Hashable {
    package var container: UInt32
    package var host: UInt32
    package var size: UInt32

    package init(container: UInt32, host: UInt32, size: UInt32) {
        self.container = container
        self.host = host
        self.size = size
    }

    /// The host's number of an id inside; nil where it is none of these.
    package func host(of id: UInt32) -> UInt32? {
        guard id >= container, id - container < size else { return nil }
        let (number, isTooLarge) = host.addingReportingOverflow(id - container)
        return isTooLarge ? nil : number
    }

    static func list(_ reader: SpecificationReader, _ name: String) throws(OCIError) -> [IDMapping] {
        var list: [IDMapping] = []
        for element in try reader.objects(name) {
            let mapping = IDMapping(
                container: try element.needed("containerID"), host: try element.needed("hostID"),
                size: try element.needed("size"))
            guard mapping.size > 0 else { throw element.failure("size", "it must be at least 1") }
            list.append(mapping)
        }
        return list
    }
}

/// Programs that run at the stations of a container's life.
package struct HookSpecifications: Sendable, Hashable {
    package struct Hook: Sendable, Hashable {
        package var path: String
        /// With the program's name first; empty: the path alone.
        package var arguments: [String]
        /// Nil where it says none, which is not the same as an empty one.
        package var environment: [String]?
        /// Seconds.
        package var timeout: Int64?

        init(_ reader: SpecificationReader) throws(OCIError) {
            guard let path = try reader.string("path"), path.hasPrefix("/") else {
                throw reader.failure("path", "it must be an absolute path")
            }
            self.path = path
            arguments = try reader.strings("args") ?? []
            environment = try reader.strings("env")
            timeout = try reader.integer("timeout")
            if let timeout, timeout <= 0 { throw reader.failure("timeout", "it must be more than 0 seconds") }
        }
    }

    package var prestart: [Hook] = []
    package var createRuntime: [Hook] = []
    package var createContainer: [Hook] = []
    package var startContainer: [Hook] = []
    package var poststart: [Hook] = []
    package var poststop: [Hook] = []

    package init() {}

    init(_ reader: SpecificationReader) throws(OCIError) {
        prestart = try HookSpecifications.list(reader, "prestart")
        createRuntime = try HookSpecifications.list(reader, "createRuntime")
        createContainer = try HookSpecifications.list(reader, "createContainer")
        startContainer = try HookSpecifications.list(reader, "startContainer")
        poststart = try HookSpecifications.list(reader, "poststart")
        poststop = try HookSpecifications.list(reader, "poststop")
    }

    private static func list(_ reader: SpecificationReader, _ name: String) throws(OCIError) -> [Hook] {
        var hooks: [Hook] = []
        for element in try reader.objects(name) { hooks.append(try Hook(element)) }
        return hooks
    }
}
