import APIMachinery
import Glibc
import Linux
import Synchronization

/// Reads a container's log, also while it is written and rotated: first what there is, then, where asked to follow, what comes.
///
/// Not safe for use by two tasks at once; it holds at most one chunk of 256 KiB.
actor LogReader {
    private let path: String
    private let options: LogOptions
    private let threads: BlockingThreads
    private let events: EventThread
    /// Returns when the container has ended, so that a follower knows when to stop.
    private let ended: @Sendable () async -> Void
    private var file: SharedDescriptor?
    /// The file that came after `file`, which is read to its end first.
    private var newer: SharedDescriptor?
    private var waitForEnd: Task<Void, Never>?
    private var hasEnded = false
    private var watch: DescriptorStream?
    private var offset = 0
    private var partial: [UInt8] = []
    private var sent = 0
    private var endSeen = false

    init(
        path: String, options: LogOptions, threads: BlockingThreads, events: EventThread,
        ended: @escaping @Sendable () async -> Void
    ) {
        self.path = path
        self.options = options
        self.threads = threads
        self.events = events
        self.ended = ended
    }

    /// Finds where to start. Throws where there is no log.
    func open() async throws(KernelError) {
        if options.isFollowing { watch = try Self.watch(path, events) }
        let (path, tail) = (path, options.tailLines)
        let (descriptor, start) = try await threads.run("open log") { () throws(KernelError) in
            // A pod with the logs' directory as its volume may put anything in a log's place.
            let file = try WholeFile.open(path)
            let start = try tail.map { lines throws(KernelError) in try Self.startOfTail(file.raw, lines) } ?? 0
            return (SharedDescriptor(file), start)
        }
        file = descriptor
        offset = start
        guard options.isFollowing else { return }
        waitForEnd = Task { [ended, weak self] in
            await ended()
            await self?.containerEnded()
        }
    }

    /// Wakes a follower, which an end without a last word would not.
    private func containerEnded() {
        hasEnded = true
        watch?.close()
    }

    func close() {
        waitForEnd?.cancel()
        watch?.close()
        file?.close()
        newer?.close()
    }

    /// The next lines, nil at the end.
    func next() async throws -> [UInt8]? {
        while true {
            if let limit = options.limitBytes, sent >= limit { return nil }
            let chunk = try await readChunk()
            if !chunk.isEmpty {
                let output = limited(render(chunk))
                if !output.isEmpty { return output }
                continue
            }
            guard options.isFollowing else { return nil }
            if turnToNewer() { continue }
            newer = try await fileAfterRotation()
            // Once more: what was written just before the rotation, or the end.
            if newer != nil { continue }
            if endSeen { return nil }
            if hasEnded {
                endSeen = true
                continue
            }
            do throws(KernelError) {
                _ = try await watch?.read()
            } catch {
                // Closed, since the container has ended; anything else ends the reading.
                guard hasEnded else { throw error }
            }
        }
    }

    private func readChunk() async throws(KernelError) -> [UInt8] {
        guard let file else { return [] }
        let start = offset
        let bytes = try await threads.run("read log") { () throws(KernelError) in
            try file.withRaw { raw throws(KernelError) in
                var code: Int32 = 0
                let bytes = [UInt8](unsafeUninitializedCapacity: 256 << 10) { buffer, filled in
                    let count = pread(raw, buffer.baseAddress, buffer.count, start)
                    if count < 0 { code = errno }
                    filled = max(0, count)
                }
                if code != 0 { throw KernelError("read", "log", code) }
                return bytes
            }
        }
        offset += bytes.count
        return bytes
    }

    private func render(_ chunk: [UInt8]) -> [UInt8] {
        partial += chunk
        var output: [UInt8] = []
        var start = partial.startIndex
        while let end = partial[start...].firstIndex(of: UInt8(ascii: "\n")) {
            if let line = LogLine(partial[start..<end]) { output += line.rendered(options) }
            start = end + 1
        }
        partial.removeFirst(start)
        // The monitor writes lines of at most 16 KiB; what is longer without an end is no log.
        if partial.count > 1 << 20 { partial = [] }
        return output
    }

    private func limited(_ output: [UInt8]) -> [UInt8] {
        guard let limit = options.limitBytes else { return output }
        let kept = Array(output.prefix(limit - sent))
        sent += kept.count
        return kept
    }

    private func turnToNewer() -> Bool {
        guard let next = newer else { return false }
        file?.close()
        (file, newer, offset) = (next, nil, 0)
        return true
    }

    /// After a rotation the path names a new file.
    private func fileAfterRotation() async throws(KernelError) -> SharedDescriptor? {
        guard let file else { return nil }
        let path = path
        return try await threads.run("look for a new log") { () throws(KernelError) -> SharedDescriptor? in
            var (old, new) = (stat(), stat())
            guard try file.withRaw({ raw in fstat(raw, &old) }) == 0, stat(path, &new) == 0,
                old.st_ino != new.st_ino || old.st_dev != new.st_dev
            else { return nil }
            return SharedDescriptor(try WholeFile.open(path))
        }
    }

    private static func watch(_ path: String, _ events: EventThread) throws(KernelError) -> DescriptorStream {
        let raw = inotify_init1(Int32(IN_CLOEXEC))
        guard raw >= 0 else { throw KernelError("inotify_init", path) }
        let descriptor = Descriptor(owning: raw)
        let directory = path.parentPath ?? "."
        guard inotify_add_watch(raw, directory, UInt32(IN_MODIFY | IN_CREATE | IN_MOVED_TO)) >= 0 else {
            throw KernelError("inotify_add_watch", directory)
        }
        return DescriptorStream(descriptor, events: events)
    }

    /// Where the last `lines` lines begin, looking backwards in blocks.
    private static func startOfTail(_ raw: Int32, _ lines: Int) throws(KernelError) -> Int {
        var status = stat()
        guard fstat(raw, &status) == 0 else { throw KernelError("stat", "log") }
        var position = status.st_size
        var newlines = 0
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while position > 0 {
            let count = min(buffer.count, position)
            guard pread(raw, &buffer, count, position - count) == count else { return position }
            for index in stride(from: count - 1, through: 0, by: -1) where buffer[index] == UInt8(ascii: "\n") {
                newlines += 1
                if newlines > lines { return position - count + index + 1 }
            }
            position -= count
        }
        return 0
    }
}
