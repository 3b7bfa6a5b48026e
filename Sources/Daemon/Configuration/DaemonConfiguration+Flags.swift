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
                try set(String(body), to: "true")
            }
        }
    }
}
