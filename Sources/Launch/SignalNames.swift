/// Signals as people, images and engines write them.
package enum SignalNames {
    /// Those from 1 on, in order.
    private static let names = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
        "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
        "WINCH", "IO", "PWR", "SYS",
    ]

    /// `SIGTERM`, `term`, `15`, `SIGRTMIN+3`, `RTMAX-1`. Nil for what is no signal.
    package static func number(_ text: String) -> Int32? {
        if let number = Int32(text) { return (1...64).contains(number) ? number : nil }
        var name = text.uppercased()
        if name.hasPrefix("SIG") { name = String(name.dropFirst(3)) }
        switch name {
        case "IOT": name = "ABRT"
        case "CLD": name = "CHLD"
        case "POLL": name = "IO"
        default: break
        }
        if let index = names.firstIndex(of: name) { return Int32(index) + 1 }
        for (base, number) in [("RTMIN", Int32(34)), ("RTMAX", 64)] where name.hasPrefix(base) {
            let rest = name.dropFirst(base.count)
            if rest.isEmpty { return number }
            guard rest.hasPrefix("+") || rest.hasPrefix("-"), let offset = Int32(rest), (-30...30).contains(offset)
            else { return nil }
            return (34...64).contains(number + offset) ? number + offset : nil
        }
        return nil
    }

    /// `SIGTERM`, `SIGRTMIN+3`, `SIGRTMAX-1`; empty for what is no signal.
    package static func name(_ number: Int32) -> String {
        switch number {
        case 1...31: "SIG" + names[Int(number) - 1]
        case 34: "SIGRTMIN"
        case 35...49: "SIGRTMIN+\(number - 34)"
        case 50...63: "SIGRTMAX-\(64 - number)"
        case 64: "SIGRTMAX"
        default: ""
        }
    }
}
