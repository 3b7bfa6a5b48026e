import APIMachinery
import ArgumentParser
import Daemon
import JSONTree

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "The tokens by which machines join this server.",
        subcommands: [Create.self, List.self, Delete.self], defaultSubcommand: List.self)

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token and print it.",
            discussion:
                "It is also good for a machine that joins again. It holds the fingerprint of the server's CA, "
                + "so that a machine joins no other server by mistake.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Lifetime: 30m, 24h, 7d; 0: no expiry.") var ttl = "24h"
        @Option(help: "What it is for.") var description = ""

        func validate() throws {
            guard Lifetime(ttl) != nil else { throw ValidationError("--ttl \"\(ttl)\": write 30m, 24h, 7d or 0") }
        }

        func run() async throws {
            let client = try node.client()
            let token = try await client.newToken()
            let lifetime = Lifetime(ttl)?.duration
            try await client.tokens.add(token, lifetime: lifetime, description: description)
            output.show(["token": .string(token.text), "id": .string(token.id)]) { token.text + "\n" }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the tokens, without their secrets.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let tokens = try await node.client().tokens.list()
            let now = SystemTime().now()
            output.show(.array(tokens.map(json))) {
                var table = TextTable(["ID", "EXPIRES", "DESCRIPTION"])
                for token in tokens {
                    let moment = token.expiration?.description ?? "never"
                    table.add([token.id, token.isExpired(at: now) ? "expired" : moment, token.description])
                }
                return table.text
            }
        }

        private func json(_ token: BootstrapToken) -> JSONValue {
            [
                "id": .string(token.id), "description": .string(token.description),
                "expires": token.expiration?.json ?? .null,
            ]
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revoke tokens. Machines that joined with them stay.")

        @OptionGroup var node: NodeOptions
        @Argument(help: "Token IDs, or tokens.") var ids: [String]

        func run() async throws {
            let tokens = try node.client().tokens
            for id in ids {
                try await tokens.remove(id)
                Output.write("\(id) deleted\n")
            }
        }
    }
}

/// How long something is good: a number and `s`, `m`, `h` or `d`; 0 for ever.
struct Lifetime {
    /// Nil: for ever.
    let duration: Duration?

    init?(_ text: String) {
        if text == "0" {
            duration = nil
            return
        }
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()), count > 0,
            count <= 36_500 * 86_400 / unit
        else { return nil }
        duration = .seconds(count * unit)
    }
}
