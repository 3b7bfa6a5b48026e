import CLaunch
import Glibc

/// A unix socket that keeps messages apart and carries descriptors. No call waits.
package final class MessageSocket: Sendable {
    package let descriptor: SharedDescriptor

    init(_ descriptor: SharedDescriptor) { self.descriptor = descriptor }

    /// A socket listening under `name` in an existing directory; its file has mode 0600.
    package static func listen(in directory: String, name: String) throws(KernelError) -> SharedDescriptor {
        let folder = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
        let socket = cs_listen(folder.raw, name)
        guard socket >= 0 else { throw KernelError("listen", "\(directory)/\(name)", -socket) }
        return SharedDescriptor(Descriptor(owning: socket))
    }

    package static func connect(in directory: String, name: String) throws(KernelError) -> MessageSocket {
        let folder = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
        let socket = cs_connect(folder.raw, name)
        guard socket >= 0 else { throw KernelError("connect", "\(directory)/\(name)", -socket) }
        cm_widen(socket)
        return MessageSocket(SharedDescriptor(Descriptor(owning: socket)))
    }

    /// EAGAIN where a megabyte already waits unread.
    package func send(_ bytes: [UInt8], _ descriptors: [SharedDescriptor] = []) throws(KernelError) {
        // Held until the call is done, so that no number is reused meanwhile.
        var copies: [Int32] = []
        defer { for copy in copies { close(copy) } }
        for shared in descriptors { copies.append(try shared.duplicate().release()) }
        let numbers = copies
        let code = try descriptor.withRaw { raw throws(KernelError) in
            bytes.withUnsafeBytes { message in
                cm_send(raw, message.baseAddress, UInt64(message.count), numbers, UInt32(numbers.count))
            }
        }
        guard code == 0 else { throw KernelError("send", "monitor", -code) }
    }

    /// One message, or nil where none waits. No bytes at all is the end.
    package func receive() throws(KernelError) -> (bytes: [UInt8], descriptors: [SharedDescriptor])? {
        var numbers = [Int32](repeating: -1, count: 64)
        var count: UInt32 = 0
        var code: Int64 = 0
        let bytes = try descriptor.withRaw { raw throws(KernelError) in
            let waiting = cm_waiting(raw)
            guard waiting > 0 else {
                code = Int64(waiting)
                return [UInt8]()
            }
            let size = Int(waiting)
            return [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
                code = cm_receive(raw, buffer.baseAddress, UInt64(size), &numbers, UInt32(numbers.count), &count)
                filled = Int(max(0, code))
            }
        }
        let descriptors = numbers.prefix(Int(count)).map { SharedDescriptor(Descriptor(owning: $0)) }
        if code == -Int64(EAGAIN) { return nil }
        guard code >= 0 else { throw KernelError("receive", "monitor", Int32(-code)) }
        return (bytes, descriptors)
    }
}

/// A sealed file in memory, for bytes that are too long for a message.
package func memoryFile(_ bytes: [UInt8], name: String) throws(KernelError) -> SharedDescriptor {
    let file = bytes.withUnsafeBytes { cs_memory_file($0.baseAddress, UInt64($0.count), name) }
    guard file >= 0 else { throw KernelError("memfd_create", name, -file) }
    return SharedDescriptor(Descriptor(owning: file))
}

/// A pipe's two ends, close-on-exec.
package struct Pipe: Sendable {
    package let readEnd: SharedDescriptor
    package let writeEnd: SharedDescriptor

    /// `capacity` is a wish: what the kernel grants may be less.
    package init(capacity: Int32? = nil) throws(KernelError) {
        var read: Int32 = -1
        var write: Int32 = -1
        let code = cm_pipe(&read, &write)
        guard code == 0 else { throw KernelError("pipe", "new", -code) }
        if let capacity { _ = fcntl(write, 1031, capacity) }  // F_SETPIPE_SZ
        readEnd = SharedDescriptor(Descriptor(owning: read))
        writeEnd = SharedDescriptor(Descriptor(owning: write))
    }
}

/// A process by number, watched and signalled without the danger that the number is used again.
package struct ProcessHandle: Sendable {
    package let descriptor: SharedDescriptor

    package init(processID: Int32) throws(KernelError) {
        let handle = cs_pidfd_open(processID)
        guard handle >= 0 else { throw KernelError("pidfd_open", "\(processID)", -handle) }
        descriptor = SharedDescriptor(Descriptor(owning: handle))
    }

    package init(_ descriptor: SharedDescriptor) { self.descriptor = descriptor }

    package func signal(_ number: Int32) throws(KernelError) {
        let code = try descriptor.withRaw { raw throws(KernelError) in cs_pidfd_signal(raw, number) }
        guard code == 0 else { throw KernelError("signal \(number)", "process", -code) }
    }

    /// Waits until a child of ours has ended and collects its status; blocks, so not on the cooperative pool.
    package func awaitEnd() {
        guard let copy = try? descriptor.duplicate() else { return }
        var event = pollfd(fd: copy.raw, events: Int16(POLLIN), revents: 0)
        while poll(&event, 1, -1) < 0 && errno == EINTR {}
        reap()
    }

    /// Collects the exit status where the process is a child of ours and has ended. Never waits.
    package func reap() {
        _ = try? descriptor.withRaw { raw throws(KernelError) in
            var code: Int32 = 0
            var value: Int32 = 0
            return cl_reap(raw, &code, &value)
        }
    }
}
