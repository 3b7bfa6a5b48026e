import CLaunch

extension Monitor {
    mutating func handle(
        _ kind: MessageKind, _ request: UInt32, _ reader: inout WireReader, _ fds: inout InlineDescriptors
    ) {
        if kind == .hello { return greet(request, &reader, &fds) }
        guard isGreeted else { return dropClient() }
        switch kind {
        case .create:
            create(request, &reader, &fds)
            treesAhead.closeAll()
        case .trees:
            let id = reader.string(limit: MonitorLimit.identifier)
            guard !reader.failed, !id.isEmpty else { return reply(request, .malformed) }
            reply(request, treesAhead.take(&fds, of: id, limit: Int(CL_MAX_MOUNTS)) ? .done : .limit)
        case .exec: exec(request, &reader, &fds)
        case .attach: attach(request, &reader, &fds)
        case .list: list(request)
        case .shutdown: shutDown(request)
        case .acknowledge:
            ledger.acknowledge(upTo: reader.number(UInt64.self))
            MonitorPoint.exitAcknowledged.reach()
            reply(request, .done)
        case .start, .proceed, .signal, .kill, .resize, .closeInput, .reopenLog, .remove:
            let id = reader.string(limit: MonitorLimit.identifier)
            guard let index = container(id) else { return reply(request, .notFound) }
            handle(kind, request, &reader, container: index)
        case .killExec:
            let id = reader.string(limit: MonitorLimit.identifier)
            guard let index = session(id) else { return reply(request, .notFound) }
            guard !processes[index].isBeingMade else {
                giveUp(index, MakingEnd.unwanted)
                return reply(request, .done)
            }
            finish(request, cm_signal(processes[index].pidfd, 9))
        case .hello, .reply, .exit: reply(request, .malformed)
        }
    }

    private mutating func handle(
        _ kind: MessageKind, _ request: UInt32, _ reader: inout WireReader, container index: Int
    ) {
        switch kind {
        case .start:
            guard !ledger.isFull else { return reply(request, .limit) }
            guard processes[index].machine.start() else { return reply(request, .wrongState) }
            goOn(request, index)
        case .proceed:
            guard processes[index].machine.proceed() else { return reply(request, .wrongState) }
            goOn(request, index)
        case .signal:
            guard processes[index].isAlive else { return reply(request, .wrongState) }
            finish(request, cm_signal(processes[index].pidfd, reader.number(Int32.self)))
        case .kill:
            let code = cm_write_file(processes[index].cgroup, "cgroup.kill", "1")
            giveUp(index, MakingEnd.unwanted)
            finish(request, code)
        case .resize:
            guard processes[index].terminal >= 0 else { return reply(request, .wrongState) }
            let columns = reader.number(UInt16.self)
            finish(request, cm_resize(processes[index].terminal, columns, reader.number(UInt16.self)))
        case .closeInput:
            cm_close(processes[index].input)
            processes[index].input = -1
            reply(request, .done)
        case .reopenLog:
            tellWriter(.reopen, processes[index].key)
            reply(request, .done)
        case .remove: remove(request, index)
        default: reply(request, .malformed)
        }
    }

    private mutating func finish(_ request: UInt32, _ code: Int32) {
        if code == 0 { reply(request, .done) } else { reply(request, kernel: -code) }
    }

    /// hello: version; then, where the daemon brings a device program, its rules as bytes and the program.
    private mutating func greet(_ request: UInt32, _ reader: inout WireReader, _ fds: inout InlineDescriptors) {
        var message = WireWriter(.reply, request: request)
        guard reader.number(UInt32.self) == protocolVersion else {
            message.append(ReplyStatus.version.rawValue)
            message.append(protocolVersion)
            return send(message)
        }
        isGreeted = true
        MonitorPoint.greeted.reach()
        message.append(ReplyStatus.done.rawValue)
        message.append(protocolVersion)
        message.append(cm_process_id())
        send(message)
        for record in ledger.pending { report(record) }
        adoptDeviceProgram(reader.isAtEnd ? [] : reader.string(limit: MonitorLimit.deviceRules), fds.takeFirst())
        // What the first container will need is made while the daemon is busy with the pod's network.
        if writer < 0 { startWriter() }
    }

    private func adoptDeviceProgram(_ rules: [UInt8], _ program: Int32) {
        let size = MemoryLayout<cl_rule>.stride
        guard program >= 0, !rules.isEmpty, rules.count % size == 0 else { return cm_close(program) }
        let count = rules.count / size
        withUnsafeTemporaryAllocation(of: cl_rule.self, capacity: count) { space in
            let target = UnsafeMutableRawBufferPointer(space)
            for index in 0..<rules.count { target[index] = rules[index] }
            cl_device_program_adopt(space.baseAddress, UInt32(count), program)
        }
    }

    private mutating func goOn(_ request: UInt32, _ index: Int) {
        processes[index].request = request
        // It was killed meanwhile: a launch that is lost, and as such told and forgotten.
        let code = cl_go(processes[index].control)
        if code != 0 {
            let lost = LaunchFailure(stage: UInt32(CL_STAGE_LOST), code: -code, index: 0)
            act(processes[index].machine.failed(lost), index)
        }
    }

    private mutating func remove(_ request: UInt32, _ index: Int) {
        guard !processes[index].isAlive, processes[index].due == nil else { return reply(request, .wrongState) }
        tellWriter(.forget, processes[index].key)
        processes[index].closeAll()
        processes.remove(at: index)
        MonitorPoint.containerForgotten.reach()
        reply(request, .done)
    }

    private mutating func list(_ request: UInt32) {
        var count: UInt32 = 0
        for process in processes where process.isListed { count += 1 }
        var message = WireWriter(.reply, request: request)
        message.append(ReplyStatus.done.rawValue)
        message.append(count)
        for process in processes where process.isListed {
            message.append(bytes: process.container)
            message.append(process.listedState.rawValue)
            message.append(process.pid)
            message.append(process.createdAt)
            message.append(process.startedAt)
            message.append(UInt32(process.record == nil ? 0 : 1))
            if let record = process.record { record.write(to: &message) }
        }
        message.append(UInt32(truncatingIfNeeded: ledger.pending.count))
        message.append(ledger.pending.first?.number ?? 0)
        send(message)
    }

    private mutating func attach(_ request: UInt32, _ reader: inout WireReader, _ fds: inout InlineDescriptors) {
        let id = reader.string(limit: MonitorLimit.identifier)
        guard let index = container(id) else { return reply(request, .notFound) }
        guard processes[index].isAlive else { return reply(request, .wrongState) }
        let (output, errors) = (fds.takeFirst(), fds.takeFirst())
        tellWriter(.attach, processes[index].key, output, errors)
        cm_close(output)
        cm_close(errors)
        var message = WireWriter(.reply, request: request)
        message.append(ReplyStatus.done.rawValue)
        let terminal = processes[index].terminal
        let input = !processes[index].keepsInput ? -1 : terminal >= 0 ? terminal : processes[index].input
        message.append(UInt32(input >= 0 ? 1 : 0))
        message.append(UInt32(terminal >= 0 ? 1 : 0))
        send(message, input)
    }

    private mutating func shutDown(_ request: UInt32) {
        isEnding = true
        MonitorPoint.ending.reach()
        for process in processes where !process.isSession && process.isAlive {
            _ = cm_write_file(process.cgroup, "cgroup.kill", "1")
        }
        giveUpAll()
        reply(request, .done)
    }
}
