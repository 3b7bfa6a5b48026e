/// Lets options stand before a group's subcommand (`images --run-dir /r add NAME PATH` is `images add --run-dir /r NAME PATH`), and a command of
/// `exec` without a `--` before it, docker's `logs -n 5`, and what stands before the image of `run` as docker takes it.
package enum ArgumentOrder {
    /// - Parameter groups: the commands that have subcommands.
    package static func normal(_ arguments: [String], groups: Set<String>) -> [String] {
        if arguments.first == "exec" { return withTerminator(arguments) }
        if arguments.first == "logs" { return withTail(arguments) }
        if arguments.first == "run" { return ["run"] + RunWords(arguments.dropFirst()).words }
        guard let group = arguments.first, groups.contains(group) else { return arguments }
        var rest = arguments.dropFirst()
        var options: [String] = []
        while let option = rest.first, option.hasPrefix("-"), option != "--" {
            let takesNext = isValueOption(option)
            options += rest.prefix(takesNext ? 2 : 1)
            rest = rest.dropFirst(takesNext ? 2 : 1)
        }
        guard let subcommand = rest.first else { return arguments }
        return [group, subcommand] + options + rest.dropFirst()
    }

    /// `exec POD ls -l` is `exec POD -- ls -l`: what follows the pod and is no option begins the command.
    private static func withTerminator(_ arguments: [String]) -> [String] {
        var (arguments, index) = (arguments, 1)
        var hasPod = false
        while index < arguments.count, arguments[index] != "--" {
            let word = arguments[index]
            if word.hasPrefix("-") {
                arguments.replaceSubrange(index...index, with: separated(word))
                index += isValueOption(arguments[index]) ? 2 : 1
            } else if hasPod {
                return arguments[..<index] + ["--"] + arguments[index...]
            } else {
                hasPod = true
                index += 1
            }
        }
        return arguments
    }

    /// docker's `-n LINES` is `--tail LINES`. A namespace that is a number is written `--namespace`.
    private static func withTail(_ arguments: [String]) -> [String] {
        let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
        return arguments[..<end].indices.flatMap { index -> [String] in
            let word = arguments[index]
            if word == "-n", index + 1 < end, Int(arguments[index + 1]) != nil {
                return ["--tail"]
            }
            if word.hasPrefix("-n"), UInt(word.dropFirst(2)) != nil { return ["--tail", String(word.dropFirst(2))] }
            return [word]
        } + arguments[end...]
    }

    /// `-itu0` is `-it -u 0`.
    private static func separated(_ word: String) -> [String] {
        guard !word.hasPrefix("--"), let place = word.dropFirst().firstIndex(where: { "nocewu".contains($0) }),
            word.index(after: place) < word.endIndex
        else { return [word] }
        let letters = word[word.index(after: word.startIndex)..<place]
        let value = word[word.index(after: place)...]
        return (letters.isEmpty ? [] : ["-" + letters])
            + ["-\(word[place])", String(value.hasPrefix("=") ? value.dropFirst() : value)]
    }

    /// Of short options in one word, such as `-itc`, the last may have a value.
    private static func isValueOption(_ option: String) -> Bool {
        if option.contains("=") { return false }
        if !option.hasPrefix("--"), option.count > 2, let last = option.last { return "nocewu".contains(last) }
        return [
            "--run-dir", "--data-dir", "--config-dir", "--output", "-o", "--namespace", "-n", "--container", "-c",
            "--env", "-e", "--workdir", "-w", "--user", "-u",
        ].contains(option)
    }
}
