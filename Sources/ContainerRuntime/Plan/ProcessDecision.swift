import CRI
import Linux
import OCI

/// What a container's first process executes, in which environment, where.
enum ProcessDecision {
    static let defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// The pod's command replaces the image's entry point and command, its arguments the image's command alone.
    static func arguments(_ config: ContainerConfig, _ image: ImageConfiguration) throws(CRIError) -> [String] {
        let arguments: [String]
        if !config.command.isEmpty {
            arguments = config.command + config.arguments
        } else {
            arguments = image.entrypoint + (config.arguments.isEmpty ? image.command : config.arguments)
        }
        guard let first = arguments.first, !first.isEmpty else {
            throw .invalid(
                "container \(config.metadata.name): nothing to run: image \(config.image) has no entry point; set the container's command"
            )
        }
        guard arguments.allSatisfy({ !$0.utf8.contains(0) }) else {
            throw .invalid("container \(config.metadata.name): an argument holds a NUL byte")
        }
        return arguments
    }

    /// The image's variables, then the pod's; a name stands once, where it first stood, with its last value.
    static func environment(_ input: ContainerPlanInput) throws(CRIError) -> [String] {
        var merged = MergedEnvironment()
        merged.set(defaultPath)
        if !input.sandbox.hostname.isEmpty { merged.set("HOSTNAME=" + input.sandbox.hostname) }
        for entry in input.image.environment { merged.set(entry) }
        for variable in input.config.environment {
            let entry = variable.name + "=" + variable.value
            guard !entry.utf8.contains(0) else {
                throw .invalid(
                    "container \(input.config.metadata.name): environment variable \(variable.name) holds a NUL byte")
            }
            merged.set(entry)
        }
        merged.setDefault("HOME=" + input.identity.home)
        if input.config.terminal { merged.setDefault("TERM=xterm") }
        return merged.entries
    }

    static func workingDirectory(_ config: ContainerConfig, _ image: ImageConfiguration) -> String {
        let directory = config.workingDirectory.isEmpty ? image.workingDirectory : config.workingDirectory
        let absolute = directory.hasPrefix("/") ? directory : "/" + directory
        guard absolute.pathComponents.contains("..") else { return absolute }
        // It may have to be made, and what climbs names nothing that can be.
        return LayerPath.join(FilePath(absolute), to: ".").map { $0 == "." ? "/" : "/\($0)" } ?? absolute
    }
}

/// Variables in the order of their first appearance.
private struct MergedEnvironment {
    private(set) var entries: [String] = []
    private var positions: [Substring: Int] = [:]

    mutating func set(_ entry: String) {
        // The kernel ends an entry at NUL: what an image has in one would not be what it says.
        guard !entry.utf8.contains(0) else { return }
        let name = entry.prefix { $0 != "=" }
        if let position = positions[name] {
            entries[position] = entry
        } else {
            positions[name] = entries.count
            entries.append(entry)
        }
    }

    mutating func setDefault(_ entry: String) {
        if positions[entry.prefix { $0 != "=" }] == nil { set(entry) }
    }
}
