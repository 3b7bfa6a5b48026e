import ArgumentParser
import Daemon
import JSONTree

extension ImagesCommand {
    struct Tag: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Give an image another name.")

        @OptionGroup var node: NodeOptions
        @Argument(help: "Name or id of the image.") var name: String
        @Argument(help: "The new name.") var tag: String

        func run() async throws {
            let body: JSONValue = ["name": .string(name), "tag": .string(tag)]
            _ = try await node.client().send(.post, "/v1/images/tag", body: body)
            Output.write("\(tag)\n")
        }
    }

    struct Pin: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Protect an image from garbage collection and removal.")

        @OptionGroup var node: NodeOptions
        @Argument(help: "Name or id of the image.") var name: String

        func run() async throws {
            try await ImagesCommand.pin(name, true, node)
        }
    }

    struct Unpin: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Undo a pin.")

        @OptionGroup var node: NodeOptions
        @Argument(help: "Name or id of the image.") var name: String

        func run() async throws {
            try await ImagesCommand.pin(name, false, node)
        }
    }

    private static func pin(_ name: String, _ isPinned: Bool, _ node: NodeOptions) async throws {
        let body: JSONValue = ["name": .string(name), "pinned": .bool(isPinned)]
        _ = try await node.client().send(.post, "/v1/images/pin", body: body)
        Output.write("\(name) \(isPinned ? "pinned" : "unpinned")\n")
    }

    struct Prune: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove images without a name, and leftovers of interrupted pulls.",
            discussion: "Pinned images and those that containers use stay.")

        @OptionGroup var node: NodeOptions
        @Flag(name: [.short, .long], help: "Remove every image that no container uses.") var all = false

        func run() async throws {
            let answer = try await node.client().send(.post, "/v1/images/prune", body: ["all": .bool(all)])
            for name in answer["removed"]?.array ?? [] { Output.write("\(name.string ?? "") removed\n") }
            Output.write("\(NodeTables.size(answer["bytes"]?.integer ?? 0)) freed\n")
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check every image's files on disk, and repair what can be repaired.",
            discussion: "Ends with 1 where an image stays damaged; pulling it again fetches the damaged layer alone.")

        @OptionGroup var node: NodeOptions

        func run() async throws {
            let answer = try await node.client().send(.post, "/v1/images/verify", body: [:])
            let damaged = (answer["damaged"]?.array ?? []).compactMap(\.string)
            for name in damaged { Output.write("\(name) damaged\n") }
            guard damaged.isEmpty else { throw ExitCode(Swiftlet.failureCode) }
            Output.write("all images are whole\n")
        }
    }
}
