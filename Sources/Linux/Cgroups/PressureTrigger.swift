import Glibc

/// The kernel's own alarm for a resource that runs short (PSI; Documentation/accounting/psi.rst).
package enum PressureTrigger {
    /// Yields whenever tasks were held up by a shortage for `stall` within two seconds, at most once in that time. One reader; ends with it.
    ///
    /// Two seconds are the shortest window that the kernel gives to processes without CAP_SYS_RESOURCE. Fails where it has no PSI, or was started
    /// without it (ENOENT, EOPNOTSUPP).
    /// - Parameter file: `/proc/pressure/memory`, or the file of a cgroup.
    package static func alarms(
        _ file: String, stall: Duration, events: EventThread
    ) throws(KernelError) -> AsyncStream<Void> {
        let descriptor = try Descriptor.open(file, O_RDWR | O_NONBLOCK)
        let (seconds, attoseconds) = stall.components
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        // The text ends with its NUL, as the kernel wants it.
        let text = Array("some \(microseconds) 2000000".utf8) + [0]
        guard write(descriptor.raw, text, text.count) == text.count else { throw KernelError("watch", file) }
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let shared = SharedDescriptor(descriptor)
        let token = try shared.withRaw { raw throws(KernelError) in
            try events.watch(raw, for: .priority) { continuation.yield() }
        }
        continuation.onTermination = { _ in
            events.remove(token)
            shared.close()
        }
        return stream
    }
}
