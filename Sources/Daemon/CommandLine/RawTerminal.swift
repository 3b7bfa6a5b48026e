import Glibc

/// The caller's terminal with every key passed on as it is, until this value ends.
struct RawTerminal: ~Copyable {
    let descriptor: Int32
    let before: termios

    /// nil where the descriptor is no terminal.
    static func take(_ descriptor: Int32) -> RawTerminal? {
        var settings = termios()
        guard tcgetattr(descriptor, &settings) == 0 else { return nil }
        let before = settings
        cfmakeraw(&settings)
        guard tcsetattr(descriptor, TCSADRAIN, &settings) == 0 else { return nil }
        return RawTerminal(descriptor: descriptor, before: before)
    }

    deinit {
        var settings = before
        tcsetattr(descriptor, TCSADRAIN, &settings)
    }

    /// nil where the descriptor is no terminal.
    static func size(of descriptor: Int32) -> (columns: UInt16, rows: UInt16)? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return (size.ws_col, size.ws_row)
    }

    /// Blocks until the terminal's size changes. SIGWINCH must be blocked in every thread, which `TerminationSignals.prepare` sees to.
    static func waitForResize() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGWINCH)
        var signal: Int32 = 0
        sigwait(&signals, &signal)
    }
}
