import ArgumentParser
import Daemon
import Glibc
import HTTP
import JSONTree

struct ImagesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "images", abstract: "The images of this node.",
        subcommands: [
            Add.self, List.self, Remove.self, Tag.self, PullCommand.self, Push.self, Export.self, Pin.self, Unpin.self,
            Prune.self, Verify.self,
        ],
        defaultSubcommand: List.self)

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Import an image from an archive, or make one of a root file system.",
            discussion:
                "PATH is an OCI layout or a docker archive (a directory or a tar file), an OCI bundle, or a root file "
                + "system (a directory or a tar file); - is a tar file on standard input. Tar files may be packed with "
                + "gzip or zstd. Options say what runs in a root file system, and override what a bundle's config.json "
                + "says. Give values that begin with a dash as --cmd=-v.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The image's name, such as busybox:1.36.") var name: String
        @Argument(help: "The archive, the bundle or the root directory; - for standard input.") var path: String
        @Option(help: "Name of the image within an archive that holds several.") var reference: String?
        @Option(help: "Entry point; once for each word.") var entrypoint: [String] = []
        @Option(help: "Command; once for each word.") var cmd: [String] = []
        @Option(help: "NAME=VALUE; repeatable.") var env: [String] = []
        @Option(help: "Working directory.") var workdir: String?
        @Option(help: "USER or USER:GROUP, names or numbers.") var user: String?

        func validate() throws {
            for variable in env where !variable.contains("=") {
                throw ValidationError("--env \"\(variable)\": write NAME=value")
            }
            guard path != "-" || isatty(STDIN_FILENO) == 0 else {
                throw ValidationError("standard input is a terminal; redirect it from a tar file")
            }
        }

        func run() async throws {
            // The daemon opens what has no name through this process, and nothing is left of it after this process's end.
            let input = path == "-" ? try SpooledInput() : nil
            defer { withExtendedLifetime(input) {} }
            var body: JSONObject = ["name": .string(name), "path": .string(input?.path ?? absolutePath)]
            body["called"] = input.map { _ in "standard input" }
            if !entrypoint.isEmpty { body["entrypoint"] = .array(entrypoint.map { .string($0) }) }
            if !cmd.isEmpty { body["command"] = .array(cmd.map { .string($0) }) }
            if !env.isEmpty { body["environment"] = .array(env.map { .string($0) }) }
            body["workingDirectory"] = workdir.map { .string($0) }
            body["user"] = user.map { .string($0) }
            body["reference"] = reference.map { .string($0) }
            let image = try await node.client().send(.post, "/v1/images", body: .object(body))
            output.show(image) { "\(name) \(image["id"]?.string ?? "")\n" }
        }

        private var absolutePath: String {
            guard !path.hasPrefix("/"), let directory = WorkingDirectory.path else { return path }
            return directory + "/" + path
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the images of this node.", aliases: ["ls"])

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: OutputOptions
        @Flag(name: [.short, .long], help: "Print only IDs.") var quiet = false

        func validate() throws {
            guard !quiet || output.output == .table else { throw ValidationError("--quiet prints no JSON") }
        }

        func run() async throws {
            let images = try await node.client().images()
            guard !quiet else { return Output.write(NodeTables.ids(images)) }
            output.show(.array(images)) { NodeTables.images(images) }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove image names; an image goes with its last name.", aliases: ["rm"])

        @OptionGroup var node: NodeOptions
        @Argument(help: "Names or ids of images.") var names: [String]
        @Flag(name: [.short, .long], help: "Also where containers use it; they keep running.") var force = false

        func run() async throws {
            let client = try node.client()
            try await Each.of(names) { name in
                let query = [QueryItem("name", name), QueryItem("force", force ? "true" : "false")]
                _ = try await client.send(.delete, "/v1/images", query)
                return "\(name) removed"
            }
        }
    }
}
