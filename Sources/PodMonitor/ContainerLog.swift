import CLaunch

/// One container's streams on their way to its log and to who is attached.
struct ContainerLog {
    let key: UInt32
    var file: LogFileWriter
    /// The ends we read from; -1 when they have ended. With a terminal `output` is its master.
    private(set) var output: Int32 = -1
    private(set) var errors: Int32 = -1
    private var outputFormat = LogFormatter(.stdout)
    private var errorFormat = LogFormatter(.stderr)
    private var outputReaders: [Int32] = []
    private var errorReaders: [Int32] = []
    private var text: [UInt8] = []

    /// Readers attached at once; one more takes the place of the first.
    static let mostReaders = 16

    init(key: UInt32, file: LogFileWriter) {
        self.key = key
        self.file = file
    }

    mutating func setStream(errors isErrors: Bool, _ fd: Int32) {
        if isErrors { errors = fd } else { output = fd }
    }

    mutating func attach(_ toOutput: Int32, _ toErrors: Int32) {
        ContainerLog.add(toOutput, &outputReaders)
        ContainerLog.add(toErrors, &errorReaders)
    }

    private static func add(_ fd: Int32, _ readers: inout [Int32]) {
        guard fd >= 0 else { return }
        cm_set_nonblocking(fd)
        if readers.count == mostReaders { cm_close(readers.removeFirst()) }
        readers.append(fd)
    }

    /// Bytes the container wrote.
    mutating func take(_ bytes: UnsafeRawBufferPointer, errors isErrors: Bool) {
        if isErrors { copy(bytes, &errorReaders) } else { copy(bytes, &outputReaders) }
        guard file.isWanted else { return }
        text.removeAll(keepingCapacity: true)
        let now = cm_wall_clock()
        if isErrors {
            errorFormat.format(bytes, at: now, into: &text)
        } else {
            outputFormat.format(bytes, at: now, into: &text)
        }
        file.write(text)
        // Many short lines make a long text once: its memory is not kept.
        if text.capacity > 64 << 10 { text = [] }
    }

    mutating func endStream(errors isErrors: Bool) {
        text.removeAll(keepingCapacity: true)
        if isErrors {
            errorFormat.finish(at: cm_wall_clock(), into: &text)
            ContainerLog.close(&errorReaders)
            cm_close(errors)
            errors = -1
        } else {
            outputFormat.finish(at: cm_wall_clock(), into: &text)
            ContainerLog.close(&outputReaders)
            cm_close(output)
            output = -1
        }
        if file.isWanted && !text.isEmpty { file.write(text) }
    }

    private static func close(_ readers: inout [Int32]) {
        for fd in readers { cm_close(fd) }
        readers.removeAll()
    }

    /// Copies to every reader; one that does not take all of it is cut off. Where there is no log, what a reader does not get is lost for good: then the container is held
    /// back until the reader goes on, for a minute at most.
    private func copy(_ bytes: UnsafeRawBufferPointer, _ readers: inout [Int32]) {
        let patience: Int32 = file.isWanted ? 0 : 60_000
        var index = 0
        while index < readers.count {
            if ContainerLog.write(bytes, to: readers[index], patience) {
                index += 1
            } else {
                cm_close(readers.remove(at: index))
            }
        }
    }

    private static func write(_ bytes: UnsafeRawBufferPointer, to reader: Int32, _ patience: Int32) -> Bool {
        var offset = 0
        while offset < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            let wrote = cm_write(reader, rest.baseAddress, UInt64(rest.count))
            if wrote > 0 {
                offset += Int(wrote)
            } else if wrote != MonitorLimit.wouldBlock || patience == 0 || cm_wait_writable(reader, patience) == 0 {
                return false
            }
        }
        return true
    }
}

/// One log file, rotated by size: `path`, `path.1` (the one before), and so on.
struct LogFileWriter {
    private let target: LogTarget
    private var fd: Int32 = -1
    private var size: UInt64 = 0
    private var lost: UInt64 = 0

    init(_ target: LogTarget) {
        self.target = target
        reopen()
    }

    var isWanted: Bool { !target.path.isEmpty }

    mutating func reopen() {
        close()
        guard isWanted else { return }
        fd = withCText(target.path) { cm_open_log($0, &size) }
    }

    mutating func close() {
        cm_close(fd)
        fd = -1
    }

    /// Appends whole lines. What the disk refuses is lost and counted.
    mutating func write(_ text: [UInt8]) {
        if fd < 0 { reopen() }
        if lost > 0 { tellLoss() }
        append(text)
        if target.maximumSize > 0 && size >= target.maximumSize { rotate() }
    }

    private mutating func append(_ text: [UInt8]) {
        text.withUnsafeBytes { bytes in
            var offset = 0
            while offset < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
                let wrote = cm_write(fd, rest.baseAddress, UInt64(rest.count))
                guard wrote > 0 else {
                    lost += UInt64(rest.count)
                    return
                }
                offset += Int(wrote)
                size += UInt64(wrote)
            }
        }
    }

    private mutating func tellLoss() {
        var line: [UInt8] = []
        LogTime.append(cm_wall_clock(), to: &line)
        LogFormatter.append(" stderr F swiftlet: bytes of this log lost on writing: ", to: &line)
        LogFormatter.append(lost, to: &line)
        line.append(UInt8(ascii: "\n"))
        let before = lost
        append(line)
        lost = lost == before ? 0 : before
    }

    /// Moves every file one number up, drops the last, and begins anew.
    private mutating func rotate() {
        // One file alone could only be cut off: two are the least.
        var number = target.maximumFiles < 2 ? 2 : target.maximumFiles
        while number > 1 {
            number -= 1
            let from = number == 1 ? target.path : LogFileWriter.name(target.path, number - 1)
            let to = LogFileWriter.name(target.path, number)
            _ = withCText(from) { from in withCText(to) { cm_rename(from, $0) } }
        }
        reopen()
    }

    static func name(_ path: [UInt8], _ number: UInt32) -> [UInt8] {
        var name = path
        name.append(UInt8(ascii: "."))
        LogFormatter.append(UInt64(number), to: &name)
        return name
    }
}
