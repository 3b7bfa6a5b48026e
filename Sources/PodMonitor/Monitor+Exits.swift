import CLaunch

extension Monitor {
    /// A process is gone: its control socket is read to the end first, since what it told decides what this means.
    mutating func reap(_ key: UInt32) {
        readControl(of: key)
        guard let index = index(of: key), processes[index].pidfd >= 0 else { return }
        var code: Int32 = 0
        var value: Int32 = 0
        guard cl_reap(processes[index].pidfd, &code, &value) != 0 else { return }
        // Its own end is closed, whoever may still have it.
        endControl(index)
        cm_poll_remove(poll, processes[index].pidfd)
        cm_close(processes[index].pidfd)
        processes[index].pidfd = -1
        var record = ExitRecord()
        record.container = processes[index].container
        record.session = processes[index].session
        record.signal = code == 1 ? 0 : value
        record.exitCode = code == 1 ? value : 128 + value
        record.startedAt = processes[index].startedAt
        record.finishedAt = cm_wall_clock()
        if !processes[index].isSession {
            // Without a pid namespace of its own a container's other processes would live on.
            _ = cm_write_file(processes[index].cgroup, "cgroup.kill", "1")
            record.outOfMemory = ranOutOfMemory(processes[index].cgroup)
        }
        processes[index].record = record
        MonitorPoint.processReaped.reach()
        let action = processes[index].machine.exited()
        act(action, index)
        if action == .none { forgetFailed(key) }
    }

    /// A launch that failed leaves nothing behind: its identifier is free again.
    mutating func forgetFailed(_ key: UInt32) {
        guard let index = index(of: key) else { return }
        if let request = processes[index].request {
            reply(request, LaunchFailure(stage: UInt32(CL_STAGE_LOST), code: 0, index: 0))
        }
        tellWriter(.forget, key)
        processes[index].closeAll()
        processes.remove(at: index)
    }

    /// A container's exit waits, for a short while, until its log has been written; a session's does not.
    mutating func finishExit(_ index: Int) {
        // The writer has its own: what is left in the pipes is its work.
        cm_close(processes[index].output)
        cm_close(processes[index].errors)
        processes[index].output = -1
        processes[index].errors = -1
        if processes[index].isSession {
            if let record = processes[index].record { report(ledger.add(record)) }
            processes[index].closeAll()
            processes.remove(at: index)
            return
        }
        processes[index].due = Due(.report, in: MonitorLimit.logPatience)
        if !tellWriter(.drain, processes[index].key) { reportContainer(index) }
    }

    /// Milliseconds until something is due; -1 where nothing is.
    var patience: Int32 {
        var soonest = UInt64.max
        for process in processes {
            if let due = process.due, due.time < soonest { soonest = due.time }
        }
        guard soonest != UInt64.max else { return -1 }
        let now = cm_monotonic_clock()
        return soonest <= now ? 0 : Int32(truncatingIfNeeded: (soonest - now) / 1_000_000 + 1)
    }

    mutating func handleOverdue() {
        let now = cm_monotonic_clock()
        var overdue: [UInt32] = []
        for process in processes {
            if let due = process.due, due.time <= now { overdue.append(process.key) }
        }
        for key in overdue {
            guard let index = index(of: key), let due = processes[index].due else { continue }
            switch due.action {
            case .giveUp: giveUp(index, MakingEnd.late)
            case .report: reportContainer(index)
            case .look: lookAgain(index)
            }
        }
    }

    private mutating func reportContainer(_ index: Int) {
        guard processes[index].due != nil, let record = processes[index].record else { return }
        processes[index].due = nil
        let numbered = ledger.add(record)
        processes[index].record = numbered
        MonitorPoint.exitKept.reach()
        report(numbered)
    }

    mutating func report(_ record: ExitRecord) {
        guard isGreeted else { return }
        var message = WireWriter(.exit, request: 0)
        record.write(to: &message)
        send(message)
    }

    private func ranOutOfMemory(_ cgroup: Int32) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 512, alignment: 1) { space in
            let got = cm_read_file(cgroup, "memory.events", space.baseAddress, UInt64(space.count))
            guard got > 0 else { return false }
            return MemoryEvents.hasKilled(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(space)[0..<Int(got)]))
        }
    }

    // MARK: The log writer

    /// Sends a word to the log writer; false where there is none.
    @discardableResult
    mutating func tellWriter(_ kind: WriterMessage, _ key: UInt32, _ first: Int32 = -1, _ second: Int32 = -1) -> Bool {
        guard writer >= 0 else { return false }
        var message = WireWriter(.reply, request: key)
        message.append(kind.rawValue)
        return pass(message, first, second)
    }

    /// Makes a container's log known to the writer, starting one where there is none.
    mutating func addLog(_ index: Int) {
        if writer < 0 { startWriter() }
        let process = processes[index]
        var message = WireWriter(.reply, request: process.key)
        message.append(WriterMessage.add.rawValue)
        message.append(bytes: process.log.path)
        message.append(process.log.maximumSize)
        message.append(process.log.maximumFiles)
        let first = process.terminal >= 0 ? process.terminal : process.output
        _ = pass(message, first, process.terminal >= 0 ? -1 : process.errors)
    }

    /// A writer that takes no more words is stuck on its disk: the word is lost, the exits go on.
    private mutating func pass(_ message: WireWriter, _ first: Int32, _ second: Int32) -> Bool {
        guard writer >= 0 else { return false }
        var fds = InlineDescriptors()
        if first >= 0 { fds.append(first) }
        if second >= 0 { fds.append(second) }
        return fds.send(message.bytes, to: writer) == 0
    }

    mutating func startWriter() {
        var socket: Int32 = -1
        let pid = cm_fork_writer(&socket)
        if pid == 0 {
            var writer = LogWriter(socket: socket)
            writer.run()
            cm_exit(0)
        }
        guard pid > 0 else { return }
        writerPID = pid
        writer = socket
        _ = cm_poll_add(poll, socket, Wake.writer.token)
    }

    mutating func receiveFromWriter() {
        var drained: UInt32 = 0
        let got = withUnsafeMutableBytes(of: &drained) { bytes in
            var count: UInt32 = 0
            return cm_receive(writer, bytes.baseAddress, UInt64(bytes.count), nil, 0, &count)
        }
        if got == 4, let index = index(of: drained) { return reportContainer(index) }
        guard got == 0 || (got < 0 && got != MonitorLimit.wouldBlock) else { return }
        replaceWriter()
    }

    /// The writer died: another one takes over what is still being written.
    private mutating func replaceWriter() {
        cm_poll_remove(poll, writer)
        cm_close(writer)
        writer = -1
        cm_collect(writerPID, 0)
        writerPID = -1
        for index in 0..<processes.count where !processes[index].isSession {
            if processes[index].isAlive || processes[index].isBeingMade { addLog(index) }
        }
    }
}

/// The kernel's `memory.events`.
package enum MemoryEvents {
    /// Whether `oom_kill` has counted anything.
    package static func hasKilled(_ text: UnsafeRawBufferPointer) -> Bool {
        let word: StaticString = "oom_kill "
        let length = word.utf8CodeUnitCount
        var start = 0
        while start + length < text.count {
            var matches = 0
            while matches < length && text[start + matches] == word.utf8Start[matches] { matches += 1 }
            if matches == length {
                let digit = text[start + length]
                return digit >= UInt8(ascii: "1") && digit <= UInt8(ascii: "9")
            }
            while start < text.count && text[start] != UInt8(ascii: "\n") { start += 1 }
            start += 1
        }
        return false
    }
}
