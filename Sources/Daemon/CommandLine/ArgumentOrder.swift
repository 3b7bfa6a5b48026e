/// Lets options stand before a group's subcommand: `images --run-dir /r add NAME PATH` is `images add --run-dir /r NAME PATH`.
package enum ArgumentOrder {
    /// - Parameter groups: the commands that have subcommands.
    package static func normal(_ arguments: [String], groups: Set<String>) -> [String] {
        guard let group = arguments.first, groups.contains(group) else { return arguments }
        var rest = arguments.dropFirst()
        var options: [String] = []
        while let option = rest.first, option.hasPrefix("-"), option != "--" {
            let takesNext = !option.contains("=") && isValueOption(option)
            options += rest.prefix(takesNext ? 2 : 1)
            rest = rest.dropFirst(takesNext ? 2 : 1)
        }
        guard let subcommand = rest.first else { return arguments }
        return [group, subcommand] + options + rest.dropFirst()
    }

    private static func isValueOption(_ option: String) -> Bool {
        ["--run-dir", "--data-dir", "--config-dir", "--output", "-o"].contains(option)
    }
}
