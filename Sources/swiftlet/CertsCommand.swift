import APIMachinery
import ArgumentParser
import Daemon
import HTTP
import JSONTree

struct CertsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certs", abstract: "The certificates of the daemon on this machine.",
        discussion: "They are renewed automatically after two thirds of their lifetime, without a restart.",
        subcommands: [List.self, Renew.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the certificates, what they are for, and when they expire.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let certificates = try await node.client().get("/v1/certificates")
            output.show(certificates) { CertificateTable.text(certificates, now: SystemTime().now()) }
        }
    }

    struct Renew: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Renew certificates now; the running daemon takes them up.",
            discussion: "On a server the kubeconfig is written anew with admin's. An agent's two are renewed together.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "Names that `swiftlet certs` lists (default: all but the CA).") var names: [String] = []

        func run() async throws {
            let query = names.map { QueryItem("name", $0) }
            let renewed = try await node.client().send(.post, "/v1/certificates", query)
            output.show(renewed) { (renewed.array ?? []).map { "\($0.string ?? "") renewed\n" }.joined() }
        }
    }
}
