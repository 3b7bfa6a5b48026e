import CLaunch

/// What a child tells on its way to execve, and what is answered for it.
extension Monitor {
    /// Reads all that has come over a child's control socket.
    mutating func readControl(of key: UInt32) {
        while let index = index(of: key), processes[index].control >= 0 {
            var status = cl_status()
            var descriptor: Int32 = -1
            var said: [UInt8] = []
            let got = Monitor.read(processes[index].control, &status, &descriptor, &said)
            if got < 0 { return }
            if got == 0 { return endControl(index) }
            take(status, descriptor, said, index)
        }
    }

    /// One status; of its words those of a hook.
    private static func read(
        _ control: Int32, _ status: inout cl_status, _ descriptor: inout Int32, _ said: inout [UInt8]
    ) -> Int32 {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CL_WORDS) + 1) { words in
            let got = cl_status_read_words(control, &status, &descriptor, words.baseAddress)
            guard got > 0, status.stage == UInt32(CL_STAGE_HOOK) else { return got }
            for word in words {
                if word == 0 { break }
                said.append(UInt8(bitPattern: word))
            }
            return got
        }
    }

    mutating func endControl(_ index: Int) {
        guard processes[index].control >= 0 else { return }
        cm_poll_remove(poll, processes[index].control)
        cm_close(processes[index].control)
        processes[index].control = -1
        act(processes[index].machine.controlEnded(lostStage: UInt32(CL_STAGE_LOST)), index)
    }

    private mutating func take(_ status: cl_status, _ descriptor: Int32, _ said: [UInt8], _ index: Int) {
        let told = LaunchFailure(stage: status.stage, code: status.code, index: status.index, said: said)
        switch Int(status.kind) {
        case CL_STATUS_WARNING: if processes[index].warnings.count < 16 { processes[index].warnings.append(told) }
        case CL_STATUS_ERROR: act(processes[index].machine.failed(told), index)
        case CL_STATUS_TERMINAL: takeTerminal(descriptor, index)
        case CL_STATUS_CREATED: act(processes[index].machine.created(), index)
        case CL_STATUS_READY: act(processes[index].machine.ready(), index)
        case CL_STATUS_EXECUTING: processes[index].machine.isExecuting()
        default: cm_close(descriptor)
        }
    }

    private mutating func takeTerminal(_ master: Int32, _ index: Int) {
        cm_close(processes[index].terminal)
        processes[index].terminal = master
        if !processes[index].isSession { tellWriter(.streams, processes[index].key, master) }
    }

    mutating func act(_ action: ProcessMachine.Action, _ index: Int) {
        switch action {
        case .none: break
        case .replyFailed(let failure): if let request = takeRequest(index) { reply(request, failure) }
        case .replyPrepared, .replyStarted:
            if action == .replyStarted { processes[index].startedAt = cm_wall_clock() }
            passing(action, index)
            if let request = takeRequest(index) { reportLaunch(request, index) }
        case .reportExit: finishExit(index)
        }
    }

    private func passing(_ action: ProcessMachine.Action, _ index: Int) {
        if processes[index].machine.phase == .awaiting { return }
        if action == .replyPrepared { return MonitorPoint.containerPrepared.reach() }
        if processes[index].isSession {
            MonitorPoint.sessionExecuted.reach()
        } else {
            MonitorPoint.containerExecuted.reach()
        }
    }

    private mutating func takeRequest(_ index: Int) -> UInt32? {
        let request = processes[index].request
        processes[index].request = nil
        return request
    }

    private mutating func reportLaunch(_ request: UInt32, _ index: Int) {
        let process = processes[index]
        var message = WireWriter(.reply, request: request)
        message.append(ReplyStatus.done.rawValue)
        message.append(process.pid)
        message.append(process.createdAt)
        message.append(process.startedAt)
        message.append(UInt32(process.warnings.count))
        for warning in process.warnings {
            message.append(warning.stage)
            message.append(warning.code)
        }
        guard process.isSession, process.terminal >= 0 else { return send(message) }
        send(message, process.terminal)
        cm_close(process.terminal)
        processes[index].terminal = -1
    }
}
