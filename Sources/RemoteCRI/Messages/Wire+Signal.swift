import Protobuf

extension Wire {
    /// Signals by the CRI's own numbers, which are not the kernel's. 0 is the runtime's default.
    struct Signal: ProtobufNumber {
        /// `SIGABRT`, `SIGRTMIN+3`; empty: the runtime's default.
        var name: String

        static let zero = Signal(name: "")
        static let protobufName = "Signal"

        init(name: String) {
            self.name = name
        }

        init?(varint: UInt64) {
            guard let index = Int(exactly: varint), Self.names.indices.contains(index) else { return nil }
            name = Self.names[index]
        }

        /// 0 for a signal that the CRI has no number for.
        var varint: UInt64 { UInt64(Self.names.firstIndex(of: name) ?? 0) }

        /// By their numbers.
        static let names: [String] = {
            let plain = [
                "", "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL",
                "PIPE", "POLL", "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN",
                "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN",
            ].map { $0.isEmpty ? "" : "SIG" + $0 }
            let realTime = (1...15).map { "SIGRTMIN+\($0)" } + (1...14).reversed().map { "SIGRTMAX-\($0)" }
            return plain + realTime + ["SIGRTMAX"]
        }()
    }
}
