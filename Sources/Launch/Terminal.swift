import Glibc

/// The master side of a pseudo terminal.
package struct Terminal: Sendable {
    private let master: SharedDescriptor

    package init(master: SharedDescriptor) { self.master = master }

    /// Sets the size and so signals the foreground process.
    package func resize(to size: TerminalSize) throws(KernelError) {
        var value = winsize(ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0)
        try master.withRaw { raw throws(KernelError) in
            guard ioctl(raw, UInt(TIOCSWINSZ), &value) == 0 else { throw KernelError("resize", "terminal") }
        }
    }
}
