import CLaunch

/// The pod's monitor: one thread, one poll, no waiting anywhere else.
///
/// It takes requests from one daemon at a time over a message socket, launches and reaps the pod's processes, and keeps
/// their exits until the daemon has acknowledged them. A daemon that does not read is cut off when its socket is full,
/// and catches up when it connects again. Log files are another process's work (`LogWriter`), so that a stalled disk
/// holds back no exit.
package struct Monitor {
    let poll: Int32
    let listener: Int32
    let pidNamespace: Int32
    private let end: Int32
    var client: Int32 = -1
    var isGreeted = false
    var treesAhead = TreesAhead()
    var writer: Int32 = -1
    /// The process that holds the pid namespace which containers share; -1 until one asks for it.
    var podInit: Int32 = -1
    var podInitPID: Int32 = -1
    var writerPID: Int32 = -1
    var processes: [Supervised] = []
    /// Processes between whose work is over and that are to be collected.
    var uncollected: [cl_between] = []
    var ledger = ExitLedger()
    var isEnding = false
    private var lastKey: UInt32 = 0
    private let buffer: UnsafeMutableRawBufferPointer

    /// Takes over the listening socket. nil where the kernel refuses the basics.
    package init?(listener: Int32) {
        self.listener = listener
        poll = cm_poll_create()
        pidNamespace = cm_own_pid_namespace()
        buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: MonitorLimit.message, alignment: 16)
        end = cm_watch_end()
        guard end >= 0, cm_poll_add(poll, end, Wake.end.token) == 0 else { return nil }
        guard poll >= 0, pidNamespace >= 0, cm_poll_add(poll, listener, Wake.listener.token) == 0 else { return nil }
    }

    /// Serves until the pod has been shut down, or the machine goes down (SIGTERM) and the last process has ended.
    package mutating func run() {
        while !isEnding || hasLiveProcess {
            var token: UInt64 = 0
            let woken = cm_poll_wait(poll, &token, patience)
            if woken < 0 { break }
            if woken > 0, let wake = Wake(token: token) { handle(wake) }
            handleOverdue()
        }
        // What is ours is gone before we are, so that our cgroup can be removed. The daemon knows by our own end.
        cm_close(writer)
        cm_collect(writerPID, 1000)
        cm_collect(podInitPID, 0)
        cm_close(client)
    }

    private mutating func handle(_ wake: Wake) {
        switch wake {
        case .listener: acceptClient()
        case .client: receiveRequest()
        case .writer: receiveFromWriter()
        case .control(let key): readControl(of: key)
        case .process(let key): reap(key)
        case .end: takeEnd()
        case .made(let key): finishMaking(key)
        case .between(let process): betweenEnded(process)
        }
    }

    /// The containers get the same signal from whoever ends the machine, with a time of grace that is theirs.
    private mutating func takeEnd() {
        isEnding = true
        cm_poll_remove(poll, end)
    }

    mutating func nextKey() -> UInt32 {
        lastKey &+= 1
        return lastKey
    }

    func index(of key: UInt32) -> Int? {
        for index in 0..<processes.count where processes[index].key == key { return index }
        return nil
    }

    func container(_ id: [UInt8]) -> Int? {
        for index in 0..<processes.count where !processes[index].isSession && !processes[index].hasFailed {
            if processes[index].container == id { return index }
        }
        return nil
    }

    func session(_ id: [UInt8]) -> Int? {
        for index in 0..<processes.count where processes[index].isSession && !processes[index].hasFailed {
            if processes[index].session == id { return index }
        }
        return nil
    }

    /// Or one that is being made, or whose end has not been told yet.
    private var hasLiveProcess: Bool {
        for process in processes where process.isAlive || process.due != nil { return true }
        return false
    }

    // MARK: The daemon's connection

    /// Takes the next daemon. Another one waits in the socket's queue until this one is gone, so that two never cut each
    /// other off in turn.
    private mutating func acceptClient() {
        let fresh = cm_accept(listener)
        guard fresh >= 0 else { return }
        cm_poll_remove(poll, listener)
        client = fresh
        if cm_poll_add(poll, fresh, Wake.client.token) != 0 { dropClient() }
    }

    /// What was asked has no one to be told to: its number may be another request's with the next daemon.
    mutating func dropClient() {
        guard client >= 0 else { return }
        for index in 0..<processes.count { processes[index].request = nil }
        giveUpAll()
        treesAhead.closeAll()
        cm_poll_remove(poll, client)
        cm_close(client)
        client = -1
        isGreeted = false
        _ = cm_poll_add(poll, listener, Wake.listener.token)
    }

    private mutating func receiveRequest() {
        var fds = InlineDescriptors()
        let got = fds.receive(from: client, into: buffer)
        if got == MonitorLimit.wouldBlock { return }
        guard got > 0 else { return dropClient() }
        let message = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[0..<Int(got)])
        var reader = WireReader(message)
        let kind = MessageKind(rawValue: reader.number(UInt32.self))
        let request = reader.number(UInt32.self)
        if let kind, !reader.failed {
            handle(kind, request, &reader, &fds)
        } else {
            reply(request, .malformed)
        }
        fds.closeAll()
    }

    mutating func send(_ message: WireWriter, _ first: Int32 = -1, _ second: Int32 = -1) {
        guard client >= 0 else { return }
        var fds = InlineDescriptors()
        if first >= 0 { fds.append(first) }
        if second >= 0 { fds.append(second) }
        if fds.send(message.bytes, to: client) != 0 { dropClient() }
    }

    mutating func reply(_ request: UInt32, _ status: ReplyStatus) {
        var message = WireWriter(.reply, request: request)
        message.append(status.rawValue)
        send(message)
    }

    mutating func reply(_ request: UInt32, kernel code: Int32) {
        var message = WireWriter(.reply, request: request)
        message.append(ReplyStatus.kernel.rawValue)
        message.append(code)
        send(message)
    }

    mutating func reply(_ request: UInt32, _ failure: LaunchFailure) {
        var message = WireWriter(.reply, request: request)
        message.append(ReplyStatus.launchFailed.rawValue)
        message.append(failure.stage)
        message.append(failure.code)
        message.append(failure.index)
        if !failure.said.isEmpty { message.append(bytes: failure.said) }
        send(message)
    }
}
