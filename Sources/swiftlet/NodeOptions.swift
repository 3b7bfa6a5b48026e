import ArgumentParser
import Daemon
import Glibc
import JSONTree

/// Which instance a command means. What is not given comes from `config.yaml`, else it is as for the server.
struct NodeOptions: ParsableArguments {
    @Option(help: "The daemon's run directory (default: /run/swiftlet).") var runDir: String?
    @Option(help: "The daemon's data directory (default: /var/lib/swiftlet).") var dataDir: String?
    @Option(help: "Directory of config.yaml and certificates (default: /etc/swiftlet).") var configDir: String?

    var flags: [String] {
        [("run-dir", runDir), ("data-dir", dataDir), ("config-dir", configDir)]
            .flatMap { name, value in value.map { ["--\(name)=\($0)"] } ?? [] }
    }

    func validate() throws {
        try Flags.check(flags)
    }

    /// - Parameters:
    ///   - more: flags beside these.
    ///   - removes: whether what lies there may be removed: no name in the file that is no setting is passed over then.
    /// - Throws: where the file does not say where the instance lies; its other mistakes are told.
    func configuration(_ more: [String] = [], removes: Bool = false) throws -> DaemonConfiguration {
        try DaemonConfiguration.load(
            flags: flags + more, needed: DaemonConfiguration.places, refusesUnknown: removes, warn: Output.note)
    }

    func client() throws -> NodeClient {
        try NodeClient(try configuration())
    }
}

enum Flags {
    /// A flag that is not understood is a wrong call, not a failure.
    static func check(_ flags: [String]) throws {
        var configuration = DaemonConfiguration()
        do throws(DaemonError) {
            try configuration.apply(flags: flags)
        } catch {
            throw ValidationError(error.description)
        }
    }
}

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json
}

struct OutputOptions: ParsableArguments {
    @Option(name: [.short, .long], help: "table or json.") var output = OutputFormat.table

    func show(_ value: @autoclosure () -> JSONValue, table: () -> String) {
        switch output {
        case .table: Output.write(table())
        case .json: Output.write(value())
        }
    }
}

enum Output {
    static func write(_ text: String) {
        // Whoever reads may have gone; there is nobody left to tell.
        try? StandardStreams.write(Array(text.utf8), to: STDOUT_FILENO)
    }

    static func write(_ value: JSONValue) {
        write(String(decoding: value.encoded(isPretty: true), as: UTF8.self) + "\n")
    }

    /// For people, beside the output proper.
    static func note(_ text: String) {
        error("swiftlet: \(text)\n")
    }

    /// Whether a terminal can be given: where the input is to be passed on it must be one, or a terminal inside would never see the input's end.
    static func hasTerminal(for input: Bool) -> Bool { !input || isatty(STDIN_FILENO) != 0 }

    static func noteNoTerminal() {
        note("standard input is no terminal, so it is given none (-t is left out)")
    }

    static func error(_ text: String) {
        try? StandardStreams.write(Array(text.utf8), to: STDERR_FILENO)
    }
}

/// The daemon has another.
enum WorkingDirectory {
    /// Absolute; nil where it is gone.
    static var path: String? {
        guard let directory = getcwd(nil, 0) else { return nil }
        defer { free(directory) }
        return String(cString: directory)
    }
}

/// A pod and, where it has several, one of its containers.
struct PodArguments: ParsableArguments {
    @Argument(help: "NAME, NAMESPACE/NAME or pod/NAME.") var pod: String
    @Option(name: [.short, .long], help: "The pod's namespace (default: default).") var namespace: String?

    func name() throws -> PodName {
        do throws(DaemonError) {
            return try PodName(pod, namespace: namespace)
        } catch {
            throw ValidationError(error.description)
        }
    }
}

/// A pod with its containers, or what `swiftlet run` has made.
struct ContainerArguments: ParsableArguments {
    @Argument(
        help:
            "A pod (NAME, NAMESPACE/NAME, pod/NAME), or a container of `swiftlet run` (name or ID prefix)."
    )
    var pod: String
    @Option(name: [.short, .long], help: "The pod's namespace (default: default).") var namespace: String?

    func validate() throws {
        guard !pod.hasPrefix(RunSpec.namespace + "/") else { return }
        do throws(DaemonError) { _ = try PodName(pod, namespace: namespace) } catch {
            throw ValidationError(error.description)
        }
    }
}
