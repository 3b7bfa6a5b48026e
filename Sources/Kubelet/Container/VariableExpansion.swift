/// Kubernetes' `$(NAME)` references: a known name is replaced, an unknown one stays as it is, `$$` gives `$`.
/// (upstream: third_party/forked/golang/expansion)
func expandVariables(_ text: String, _ values: (String) -> String?) -> String {
    guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
    var result = ""
    var rest = Substring(text)
    while let dollar = rest.firstIndex(of: "$") {
        result += rest[..<dollar]
        rest = rest[rest.index(after: dollar)...]
        switch rest.first {
        case "$":
            result.append("$")
            rest.removeFirst()
        case "(":
            if let end = rest.firstIndex(of: ")") {
                let name = String(rest[rest.index(after: rest.startIndex)..<end])
                result += values(name) ?? "$(\(name))"
                rest = rest[rest.index(after: end)...]
            } else {
                result.append("$")
            }
        default:
            result.append("$")
        }
    }
    return result + rest
}
