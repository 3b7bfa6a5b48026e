extension DaemonConfiguration {
    /// Takes `--name value`, `--name=value` and, for a setting that is true or false, `--name` alone.
    package mutating func apply(flags: [String]) throws(DaemonError) {
        var rest = flags[...]
        while let flag = rest.popFirst() {
            guard flag.hasPrefix("--") else {
                throw DaemonError("unexpected argument \"\(flag)\"; settings are given as --NAME VALUE or --NAME=VALUE")
            }
            let body = flag.dropFirst(2)
            if let equals = body.firstIndex(of: "=") {
                try set(String(body[..<equals]), to: String(body[body.index(after: equals)...]))
                continue
            }
            if let value = rest.first, !value.hasPrefix("--") {
                rest.removeFirst()
                try set(String(body), to: value)
            } else {
                guard try Self.setting(String(body)).isFlag else { throw DaemonError("\(flag) needs a value") }
                try set(String(body), to: "true")
            }
        }
    }

    /// Takes one setting by its name.
    package mutating func set(_ name: String, to text: String) throws(DaemonError) {
        try Self.setting(name).set(&self, text)
    }

    static func setting(_ name: String) throws(DaemonError) -> Setting {
        guard let setting = settings.first(where: { $0.name == name }) else {
            let near = NearWords.of(name, among: settings.map(\.name))
            let guess = near.isEmpty ? "" : "did you mean \(near.joined(separator: ", "))? "
            throw DaemonError("there is no setting \"\(name)\"; \(guess)`swiftlet server --help` lists all")
        }
        return setting
    }
}
