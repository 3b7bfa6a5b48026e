/// Signals as images and pods write them.
package enum SignalNames {
    private static let numbers: [String: Int32] = [
        "HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "TRAP": 5, "ABRT": 6, "BUS": 7, "FPE": 8, "KILL": 9, "USR1": 10,
        "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15, "STKFLT": 16, "CHLD": 17, "CONT": 18, "STOP": 19,
        "TSTP": 20, "TTIN": 21, "TTOU": 22, "URG": 23, "XCPU": 24, "XFSZ": 25, "VTALRM": 26, "PROF": 27, "WINCH": 28,
        "IO": 29, "POLL": 29, "PWR": 30, "SYS": 31, "RTMIN": 34, "RTMAX": 64, "CLD": 17, "IOT": 6,
    ]

    /// Second names of what has a first.
    private static let aliases: Set<String> = ["CLD", "IOT", "POLL"]

    /// `SIGTERM`, `TERM`, `15`, `SIGRTMIN+3`, `RTMAX-1`. Nil for what is no signal.
    package static func number(_ text: String) -> Int32? {
        if let number = Int32(text) { return (1...64).contains(number) ? number : nil }
        var name = text.uppercased()
        if name.hasPrefix("SIG") { name.removeFirst(3) }
        if let number = numbers[name] { return number }
        guard let sign = name.firstIndex(where: { $0 == "+" || $0 == "-" }), let base = numbers[String(name[..<sign])],
            base >= 34, let offset = Int32(name[name.index(after: sign)...]), (0...30).contains(offset)
        else { return nil }
        let number = name[sign] == "+" ? base + offset : base - offset
        return (34...64).contains(number) ? number : nil
    }

    /// `SIGTERM`, `SIGRTMIN+3`, `SIGRTMAX-1`; empty for what is no signal.
    static func name(_ number: Int32) -> String {
        switch number {
        case 34: return "SIGRTMIN"
        case 35...49: return "SIGRTMIN+\(number - 34)"
        case 50...63: return "SIGRTMAX-\(64 - number)"
        case 64: return "SIGRTMAX"
        default:
            let names = numbers.filter { $0.value == number && !aliases.contains($0.key) }.map(\.key)
            return names.first.map { "SIG" + $0 } ?? ""
        }
    }
}
