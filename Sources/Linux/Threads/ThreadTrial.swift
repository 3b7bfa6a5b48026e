import Glibc

/// Whether the kernel has a process left for us.
package enum ThreadTrial {
    /// Starts a thread, which takes a process number as a process does, and waits for its end. The errno value, 0 for success.
    package static func run() -> Int32 {
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, { _ in nil }, nil)
        if code == 0 { pthread_join(thread, nil) }
        return code
    }
}
