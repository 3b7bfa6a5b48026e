import CNetlink
import Glibc

/// An open network namespace. Closing does not end it: the processes and sockets in it hold it.
package struct NetworkNamespace: ~Copyable {
    package let descriptor: CInt

    /// Opens a namespace by a path such as `/proc/PID/ns/net` or `/run/netns/NAME`.
    package init(path: String) throws(NetlinkError) {
        let opened = open(path, O_RDONLY | O_CLOEXEC)
        guard opened >= 0 else { throw NetlinkError("open network namespace", path, code: errno) }
        descriptor = opened
    }

    /// The calling thread's own namespace.
    package static func current() throws(NetlinkError) -> NetworkNamespace {
        try NetworkNamespace(path: "/proc/thread-self/ns/net")
    }

    /// Whether this is the calling thread's own namespace.
    package func isCurrent() throws(NetlinkError) -> Bool {
        let home = try Self.current()
        var (mine, other) = (stat(), stat())
        guard fstat(home.descriptor, &mine) == 0, fstat(descriptor, &other) == 0 else {
            throw NetlinkError("look at network namespace", "\(descriptor)", code: errno)
        }
        return mine.st_dev == other.st_dev && mine.st_ino == other.st_ino
    }

    deinit {
        close(descriptor)
    }

    /// Runs `body` with the calling thread inside this namespace, then returns the thread to where it was.
    ///
    /// `body` must not suspend; call it on a thread of your own. A thread that cannot return home is of no use to
    /// anyone: the process would act in the wrong namespace, so this ends it. The kernel gives no cause for that while
    /// the process keeps its capabilities and the home namespace's descriptor is open.
    package func enter<T: ~Copyable>(_ body: () throws(NetlinkError) -> T) throws(NetlinkError) -> T {
        let home = try Self.current()
        let code = cnetlink_enter_network_namespace(descriptor)
        guard code == 0 else { throw NetlinkError("enter network namespace", "\(descriptor)", code: code) }
        defer {
            if cnetlink_enter_network_namespace(home.descriptor) != 0 { abort() }
        }
        return try body()
    }
}
