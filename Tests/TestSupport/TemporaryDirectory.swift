import Glibc

/// Where tests make directories of their own: what TMPDIR says. They leave nothing there.
package let temporaryDirectory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
