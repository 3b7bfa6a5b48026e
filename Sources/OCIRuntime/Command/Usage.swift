import Launch
import OCISpecification

/// The texts of --help and --version.
enum Usage {
    /// The first line names the program, as engines that read it expect; the second the specification.
    static let version = """
        swiftlet-oci version \(Release.version)
        spec: \(RuntimeSpecification.followedVersion)
        """

    /// All verbs, each with the options that are used most.
    static var text: String {
        let verbs = Verb.allCases.filter { $0.isSupported }.map { verb in
            let lines = verb.usage.options + [verb.usage.words]
            let words = joined(lines, indent: 10)
            return "  " + (words.isEmpty ? verb.rawValue : padded(verb.rawValue, 8) + words)
        }
        return """
            swiftlet-oci: runs containers as the OCI runtime specification describes them, with the options of runc.

            usage: swiftlet-oci [--root DIR] [--log FILE] [--log-format text|json] [--systemd-cgroup]
                                [--cgroup-manager cgroupfs|systemd|disabled] COMMAND ...

            \(verbs.joined(separator: "\n"))

            COMMAND --help shows all options of one; swiftlet-oci(8) has the rest.
            """
    }

    /// What one verb does, and every option that it takes.
    static func text(of verb: Verb) -> String {
        let usage = verb.usage
        let names = verb.grammar.names
        let words = (names.isEmpty ? [] : ["[OPTIONS]"]) + (usage.words.isEmpty ? [] : [usage.words])
        var lines = [
            "usage: swiftlet-oci [GLOBAL OPTIONS] " + ([verb.rawValue] + words).joined(separator: " "), "",
            usage.deed, "",
        ]
        for spellings in names {
            let text = OptionText.of(spellings[0])
            let dashed = spellings.map { $0.count == 1 ? "-\($0)" : "--\($0)" }.joined(separator: ", ")
            lines.append("  " + padded((dashed + " " + text.value).trimmed, 28) + text.meaning)
        }
        lines +=
            (names.isEmpty ? [] : [""]) + ["`swiftlet-oci --help` shows the global options and the other commands."]
        return lines.joined(separator: "\n")
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    /// Words in lines of the page's width, those after the first indented.
    private static func joined(_ parts: [String], indent: Int) -> String {
        var lines = [""]
        for part in parts where !part.isEmpty {
            if !lines[lines.count - 1].isEmpty, lines[lines.count - 1].count + 1 + part.count > 110 { lines.append("") }
            lines[lines.count - 1] += (lines[lines.count - 1].isEmpty ? "" : " ") + part
        }
        return lines.joined(separator: "\n" + String(repeating: " ", count: indent))
    }
}

extension Arguments.Grammar {
    /// Every option but --help by its spellings, in the order of the first.
    fileprivate var names: [[String]] { (values + flags).filter { $0[0] != "help" }.sorted { $0[0] < $1[0] } }
}

extension String {
    fileprivate var trimmed: String { hasSuffix(" ") ? String(dropLast()) : self }
}

extension Verb {
    struct Usage {
        /// Those that the general page names.
        var options: [String] = []
        /// What must follow them.
        var words: String
        var deed: String
    }

    var isSupported: Bool { self != .checkpoint && self != .restore }

    var usage: Usage {
        switch self {
        case .create:
            Usage(
                options: [
                    "[--bundle DIR]", "[--console-socket SOCKET]", "[--pid-file FILE]", "[--preserve-fds N]",
                    "[--no-new-keyring]",
                ], words: "ID", deed: "Makes a container whose first process waits for `start`.")
        case .start: Usage(words: "ID", deed: "Lets a created container execute its program.")
        case .run:
            Usage(
                options: ["[options of create]", "[--detach]", "[--keep]"], words: "ID",
                deed: "Makes a container and starts it, stays with it, and ends with its exit code.")
        case .exec:
            Usage(
                options: [
                    "[--process FILE]", "[--tty]", "[--console-socket SOCKET]", "[--detach]", "[--pid-file FILE]",
                    "[--cwd DIR]", "[--env N=V]", "[--user UID[:GID]]", "[--additional-gids GID]", "[--cap NAME]",
                    "[--no-new-privs]", "[--preserve-fds N]", "[--ignore-paused]",
                ], words: "ID PROGRAM [ARGUMENTS]",
                deed: "Runs a further process in a container. With --process no program is named.")
        case .state: Usage(words: "ID", deed: "Prints a container's state as JSON.")
        case .kill:
            Usage(
                options: ["[--all]"], words: "ID [SIGNAL]",
                deed: "Sends a container's first process a signal, SIGTERM where none is named.")
        case .delete: Usage(options: ["[--force]"], words: "ID", deed: "Removes a stopped container.")
        case .list: Usage(options: ["[--format table|json]", "[--quiet]"], words: "", deed: "Lists the containers.")
        case .ps:
            Usage(
                options: ["[--format table|json]"], words: "ID [OPTIONS OF PS]", deed: "Lists a container's processes.")
        case .pause: Usage(words: "ID", deed: "Freezes all processes of a container.")
        case .resume: Usage(words: "ID", deed: "Lets a paused container go on.")
        case .update:
            Usage(
                options: [
                    "[--resources FILE]", "[--memory BYTES]", "[--cpu-quota US]", "[--cpu-period US]",
                    "[--cpu-share N]",
                    "[--cpuset-cpus LIST]", "[--pids-limit N]", "...",
                ], words: "ID", deed: "Changes a container's limits. BYTES may end in b, k, m, g or t.")
        case .events:
            Usage(
                options: ["[--interval 5s]", "[--stats]"], words: "ID", deed: "Prints what a container uses, as JSON.")
        case .features: Usage(words: "", deed: "Prints what this runtime can do, as JSON.")
        case .spec:
            Usage(
                options: ["[--bundle DIR]", "[--rootless]"], words: "",
                deed: "Writes a config.json to begin with, where there is none.")
        case .checkpoint, .restore:
            Usage(words: "ID", deed: "Not supported: processes cannot be saved and brought back here.")
        }
    }
}
