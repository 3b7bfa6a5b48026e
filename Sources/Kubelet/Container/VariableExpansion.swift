/// What texts may hold together, with all that they refer to: nothing is made beyond it, however often a text names a long value.
struct ExpansionBudget {
    private var left: Int
    private let fault: ContainerConfigError

    /// - Parameters:
    ///   - limit: bytes of UTF-8.
    ///   - message: of the error that is thrown beyond them.
    init(_ limit: Int, _ message: String) {
        left = limit
        fault = ContainerConfigError(message: message)
    }

    mutating func take(_ count: Int) throws(ContainerConfigError) {
        guard count <= left else { throw fault }
        left -= count
    }

    /// Kubernetes' `$(NAME)` references: a known name is replaced, an unknown one stays as it is, `$$` gives `$`. Takes what the result has, in time
    /// linear in the text and the result. (upstream: third_party/forked/golang/expansion)
    mutating func expand(_ text: String, _ values: (String) -> String?) throws(ContainerConfigError) -> String {
        let (dollar, opening, closing) = (UInt8(ascii: "$"), UInt8(ascii: "("), UInt8(ascii: ")"))
        var rest = Array(text.utf8)[...]
        var result: [UInt8] = []
        // What is opened behind it is no reference.
        let lastClosing = rest.lastIndex(of: closing) ?? -1
        while let start = rest.firstIndex(of: dollar) {
            try take(start - rest.startIndex)
            result += rest[..<start]
            let mark = start + 1 < rest.endIndex ? rest[start + 1] : nil
            if mark == opening, start < lastClosing, let end = rest[start...].firstIndex(of: closing) {
                let reference = rest[start...end]
                let value = values(String(decoding: reference.dropFirst(2).dropLast(), as: UTF8.self))
                try take(value?.utf8.count ?? reference.count)
                if let value { result += value.utf8 } else { result += reference }
                rest = rest[(end + 1)...]
            } else {
                try take(1)
                result.append(dollar)
                rest = rest[(start + (mark == dollar ? 2 : 1))...]
            }
        }
        try take(rest.count)
        return String(decoding: result + rest, as: UTF8.self)
    }
}
