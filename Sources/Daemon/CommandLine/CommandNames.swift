/// What is said of a command that there is not.
package enum CommandNames {
    /// What docker and podman call what has another name here.
    private static let elsewhere = [
        "container": "ps", "create": "run --detach", "image": "images", "import": "images add NAME PATH",
        "info": "check",
        "load": "images add NAME ARCHIVE", "login": "pull --username NAME", "prune": "images prune", "rmi": "images rm",
        "save": "images export NAME --output ARCHIVE", "system": "doctor", "tag": "images tag", "top": "exec NAME ps",
        "version": "--version",
    ]

    /// What they have and Swiftlet has not, and what does it instead.
    private static let absent = [
        "crictl": "crictl itself works: `crictl --runtime-endpoint unix:///run/swiftlet/cri.sock`",
        "build": "buildah builds; `swiftlet images add NAME ARCHIVE` takes what it has made",
        "commit": "what a container wrote stays with it; buildah makes images",
        "compose": "several containers that belong together are a pod: `kubectl apply`",
        "cp": "`swiftlet exec NAME tar -c PATH` reads; a directory of `swiftlet run --volume` is seen on both sides",
        "diff":
            "what a container has written is not listed; `swiftlet exec NAME find / -xdev -mmin -60` shows what is new",
        "history": history,
        "logout": "no password is kept; `swiftlet pull --username NAME` asks for it each time",
        "network": "`swiftlet run --network` takes pod, host and none, and there are no others to make",
        "pause": "`swiftlet kill --signal STOP NAME` halts its program, and CONT lets it go on",
        "port": "a port is published as `swiftlet run --publish` says; none is chosen for you",
        "rename": "a container keeps the name that `swiftlet run --name` gives it",
        "volume":
            "`swiftlet run --volume /HERE:/THERE` gives a directory of this machine, and there are no others to make",
    ]

    private static let history =
        "`skopeo inspect --config` tells of an archive of `swiftlet images export` how it was made"

    /// The same beneath `images`, as beneath docker's `image`.
    private static let elsewhereInImages = [
        "import": "images add NAME PATH", "inspect": "inspect NAME", "load": "images add NAME ARCHIVE",
        "save": "images export NAME --output ARCHIVE",
    ]

    /// Nil where it is a command, or an option.
    /// - Parameter group: the command whose subcommand it is to be; empty: none.
    package static func refusal(of word: String, in group: String = "", known: [String]) -> String? {
        guard !word.isEmpty, !word.hasPrefix("-"), !known.contains(word) else { return nil }
        let near = NearWords.of(word, among: known)
        var guess = near.isEmpty ? "" : "did you mean \(near.joined(separator: ", "))? "
        let isOfImages = group == "images"
        if let own = (isOfImages ? elsewhereInImages : group.isEmpty ? elsewhere : [:])[word] {
            guess = "here it is `swiftlet \(own)`; "
        }
        if group.isEmpty || isOfImages, let wayOut = absent[word] { guess = wayOut + "; " }
        let words = group.isEmpty ? "" : group + " "
        return "there is no command \"\(words)\(word)\"; \(guess)`swiftlet \(words)--help` lists all"
    }
}
