import ArgumentParser
import Daemon
import Glibc
import HTTP
import JSONTree

extension ImagesCommand {
    struct Push: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send an image to its registry.",
            discussion:
                "The name says where it goes; `swiftlet images tag` gives it another. What the registry has already is "
                + "not sent again. An image that was made of a directory is packed into one layer.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var credentials: RegistryCredentials
        @Argument(help: "The image's name, such as registry.example/team/app:1.") var name: String

        func run() async throws {
            var body: JSONObject = ["name": .string(name)]
            try credentials.add(to: &body)
            try await Progress.show("/v1/images/push", body, node) { value in
                output.show(value) { "\(name) \(value["digest"]?.string ?? "")\n" }
            }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write images into one archive.",
            discussion:
                "The archive is an OCI layout and what `docker save` writes at the same time: docker, podman, skopeo, "
                + "containerd and `swiftlet images add` take it.")

        @OptionGroup var node: NodeOptions
        @Argument(help: "Names or ids of the images.") var names: [String]
        @Option(name: [.short, .long], help: "The file; - is standard output.") var output = "-"

        func validate() throws {
            guard !names.isEmpty else { throw ValidationError("say which images") }
            guard output != "-" || isatty(STDOUT_FILENO) == 0 else {
                throw ValidationError("name a file with --output, or redirect the output")
            }
        }

        func run() async throws {
            let query = names.map { QueryItem("name", $0) }
            guard output != "-" else { return try await write(query, to: STDOUT_FILENO, "standard output") }
            // The file has its name once it is whole.
            let part = output + ".part"
            let file = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
            guard file >= 0 else { throw DaemonError("\(part): \(String(cString: strerror(errno)))") }
            defer {
                close(file)
                unlink(part)
            }
            try await write(query, to: file, output)
            guard rename(part, output) == 0 else { throw DaemonError("\(output): \(String(cString: strerror(errno)))") }
        }

        private func write(_ query: [QueryItem], to file: Int32, _ path: String) async throws {
            let cut = "the archive is not whole; the daemon's log says why"
            try await node.client().pieces("/v1/images/export", query, cut: cut) { piece throws(DaemonError) in
                do { try StandardStreams.write(piece, to: file) } catch { throw DaemonError("\(path): \(error)") }
            }
        }
    }
}
