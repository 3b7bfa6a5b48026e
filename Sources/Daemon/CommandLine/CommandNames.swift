/// What is said of a command that there is not.
package enum CommandNames {
    /// What docker and podman call what has another name here.
    private static let elsewhere = [
        "container": "ps", "create": "run --detach", "image": "images", "import": "images add", "info": "check",
        "kill": "stop --time 0", "load": "images add", "login": "pull --username NAME", "rmi": "images rm",
        "save": "images export", "start": "run --detach", "tag": "images tag", "top": "exec NAME ps",
        "version": "--version",
    ]

    /// Nil where it is a command, or an option.
    package static func refusal(of word: String, known: [String]) -> String? {
        guard !word.isEmpty, !word.hasPrefix("-"), !known.contains(word) else { return nil }
        let near = NearWords.of(word, among: known)
        var guess = near.isEmpty ? "" : "did you mean \(near.joined(separator: ", "))? "
        if let own = elsewhere[word] { guess = "here it is `swiftlet \(own)`; " }
        return "there is no command \"\(word)\"; \(guess)`swiftlet --help` lists all"
    }
}
