/// What stands before the image of `run`, as docker takes it: `-itp8080:80` is `-i -t -p 8080:80`, and a flag may have a value, `--rm=false`.
struct RunWords {
    /// The flags that are on, then all else in its order.
    var words: [String] { flags.filter { isOn[$0] == true } + rest }

    private var flags: [String] = []
    private var isOn: [String: Bool] = [:]
    private var rest: [String] = []

    init(_ arguments: ArraySlice<String>) {
        var left = arguments
        while let word = left.first, word.hasPrefix("-"), word.count > 1, word != "--" {
            left = left.dropFirst()
            let hasValue = word.hasPrefix("--") ? takeLong(word) : takeShort(word)
            if !hasValue, let value = left.popFirst() { rest.append(value) }
        }
        rest += left
    }

    /// - Returns: whether the word stands alone.
    private mutating func takeLong(_ word: String) -> Bool {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let value = parts.count == 2 ? Self.truth(parts[1]) : true
        if let value, Self.flags.contains(parts[0]) {
            set(parts[0], value)
            return true
        }
        // On where nothing is said: only what switches it off is to be looked at.
        if let value, Self.flagsThatAreOn.contains(parts[0]) {
            if !value { rest.append(parts[0] + "=false") }
            return true
        }
        rest.append(word)
        return parts.count == 2
    }

    /// The same for letters in one word, of which the last may have a value.
    private mutating func takeShort(_ word: String) -> Bool {
        var letters = word.dropFirst()
        while let letter = letters.popFirst() {
            guard let flag = Self.shortFlags[letter] else {
                rest.append("-\(letter)")
                if letters.first == "=" { letters.removeFirst() }
                if !letters.isEmpty { rest.append(String(letters)) }
                return !letters.isEmpty
            }
            if letters.first == "=", let value = Self.truth(String(letters.dropFirst())) {
                set(flag, value)
                return true
            }
            set(flag, true)
        }
        return true
    }

    private mutating func set(_ flag: String, _ value: Bool) {
        if isOn[flag] == nil { flags.append(flag) }
        isOn[flag] = value
    }

    /// As Go's strconv.ParseBool.
    private static func truth(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": true
        case "0", "f", "F", "false", "FALSE", "False": false
        default: nil
        }
    }

    private static let shortFlags: [Character: String] = [
        "d": "--detach", "i": "--interactive", "t": "--tty", "q": "--quiet", "P": "--publish-all",
    ]
    /// All other options have values.
    private static let flags: Set<String> = [
        "--detach", "--help", "--init", "--interactive", "--no-healthcheck", "--no-hosts", "--oom-kill-disable",
        "--privileged", "--publish-all", "--quiet", "--read-only", "--replace", "--rm", "--tty", "--version",
    ]
    private static let flagsThatAreOn: Set<String> = ["--disable-content-trust", "--sig-proxy", "--tls-verify"]
}
