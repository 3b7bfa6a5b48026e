import CLaunch

/// What the monitor tells its log writer. Every message is about one container, by its key.
enum WriterMessage: UInt32 {
    /// Path, size, files; descriptors: standard output and error, where there is no terminal.
    case add = 1
    /// The terminal's master.
    case streams = 2
    /// Pipes to copy the output to.
    case attach = 3
    case reopen = 4
    /// The container has exited: write what is there and say so.
    case drain = 5
    case forget = 6
}

/// Where a container's log goes.
struct LogTarget {
    /// Empty for no log.
    var path: [UInt8] = []
    var maximumSize: UInt64 = 0
    var maximumFiles: UInt32 = 0
}

/// The pod's log process: reads the containers' output, writes the log files, copies to who is attached.
///
/// A container that writes faster than the disk takes it is held back by its pipe (64 KiB); so are the pod's others
/// while the disk stalls, and nothing else. A file that cannot be written loses the bytes, and a line says how many.
/// An attached reader whose pipe is full is cut off, unless there is no log beside it.
struct LogWriter {
    private let poll: Int32
    private let socket: Int32
    private var logs: [ContainerLog] = []
    private let buffer: UnsafeMutableRawBufferPointer
    private var isEnding = false

    init(socket: Int32) {
        self.socket = socket
        poll = cm_poll_create()
        buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 10, alignment: 16)
        _ = cm_poll_add(poll, socket, UInt64.max)
    }

    /// Runs until the monitor is gone, then writes what is left.
    mutating func run() {
        while !isEnding {
            var token: UInt64 = 0
            let woken = cm_poll_wait(poll, &token, -1)
            if woken < 0 { break }
            if woken == 0 { continue }
            if token == UInt64.max { receive() } else { read(token) }
        }
        for index in 0..<logs.count { drain(index) }
    }

    private func index(of key: UInt32) -> Int? {
        for index in 0..<logs.count where logs[index].key == key { return index }
        return nil
    }

    private mutating func receive() {
        var fds = InlineDescriptors()
        let got = fds.receive(from: socket, into: buffer)
        if got == MonitorLimit.wouldBlock { return }
        guard got > 0 else {
            isEnding = true
            return
        }
        var reader = WireReader(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[0..<Int(got)]))
        _ = reader.number(UInt32.self)
        let key = reader.number(UInt32.self)
        if let kind = WriterMessage(rawValue: reader.number(UInt32.self)) { handle(kind, key, &reader, &fds) }
        fds.closeAll()
    }

    private mutating func handle(
        _ kind: WriterMessage, _ key: UInt32, _ reader: inout WireReader, _ fds: inout InlineDescriptors
    ) {
        if kind == .add {
            var target = LogTarget()
            target.path = reader.string(limit: MonitorLimit.path)
            target.maximumSize = reader.number(UInt64.self)
            target.maximumFiles = reader.number(UInt32.self)
            logs.append(ContainerLog(key: key, file: LogFileWriter(target)))
        }
        guard let index = index(of: key) else { return }
        switch kind {
        case .add, .streams:
            watch(index, errors: false, fds.takeFirst())
            watch(index, errors: true, fds.takeFirst())
        case .attach: logs[index].attach(fds.takeFirst(), fds.takeFirst())
        case .reopen: logs[index].file.reopen()
        case .drain:
            drain(index)
            withUnsafeBytes(of: key) { _ = cm_send(socket, $0.baseAddress, UInt64($0.count), nil, 0) }
        case .forget:
            drain(index)
            for errors in [false, true] { end(index, errors: errors) }
            logs[index].file.close()
            logs.remove(at: index)
        }
    }

    private mutating func watch(_ index: Int, errors: Bool, _ fd: Int32) {
        guard fd >= 0 else { return }
        cm_set_nonblocking(fd)
        logs[index].setStream(errors: errors, fd)
        _ = cm_poll_add(poll, fd, UInt64(logs[index].key) << 1 | (errors ? 1 : 0))
    }

    private mutating func read(_ token: UInt64) {
        guard let index = index(of: UInt32(truncatingIfNeeded: token >> 1)) else { return }
        _ = readOnce(index, errors: token & 1 != 0)
    }

    /// One read of a stream; false when nothing more is there for now or ever.
    private mutating func readOnce(_ index: Int, errors: Bool) -> Bool {
        let fd = errors ? logs[index].errors : logs[index].output
        guard fd >= 0 else { return false }
        let got = cm_read(fd, buffer.baseAddress, UInt64(buffer.count))
        if got == MonitorLimit.wouldBlock { return false }
        guard got > 0 else {
            end(index, errors: errors)
            return false
        }
        logs[index].take(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[0..<Int(got)]), errors: errors)
        return true
    }

    private mutating func end(_ index: Int, errors: Bool) {
        let fd = errors ? logs[index].errors : logs[index].output
        if fd >= 0 { cm_poll_remove(poll, fd) }
        logs[index].endStream(errors: errors)
    }

    /// Reads what a container left behind: no more than a pipe can hold, since another process may still write.
    private mutating func drain(_ index: Int) {
        for errors in [false, true] {
            var rounds = 0
            while rounds < 64, readOnce(index, errors: errors) { rounds += 1 }
        }
    }
}
