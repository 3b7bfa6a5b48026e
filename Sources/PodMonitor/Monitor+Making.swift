import CLaunch

/// Why a process that was being made is not.
enum MakingEnd {
    static let late = LaunchFailure(stage: UInt32(CL_STAGE_CLONE), code: 110, index: 0)  // ETIMEDOUT
    static let unwanted = LaunchFailure(stage: UInt32(CL_STAGE_LOST), code: 0, index: 0)
}

/// Processes that a process between makes: it looks a container's volumes up, or takes a session's steps inside its container, and whoever is there, or serves a
/// volume, may hold it up. Nobody else is to wait for it.
extension Monitor {
    mutating func awaitMade(_ between: cl_between, _ index: Int) {
        let key = processes[index].key
        processes[index].between = between
        processes[index].due = Due(.giveUp, in: MonitorLimit.makingPatience)
        let code = watch(between.answer, .made(key), between.pidfd, .between(between.pid))
        guard code != 0 else { return }
        giveUp(index, LaunchFailure(stage: UInt32(CL_STAGE_CLONE), code: -code, index: 0))
        lookLater(index)
    }

    /// The process between has told what came of it, or has ended.
    mutating func finishMaking(_ key: UInt32) {
        guard let index = index(of: key), let between = processes[index].between else { return }
        var launched = cl_launched()
        launched.control = processes[index].control
        launched.between = between
        var stage: UInt32 = 0
        cm_poll_remove(poll, between.answer)
        let code = cl_launch_finish(&launched, &stage)
        uncollected.append(between)
        collect(between.pid)
        processes[index].between = nil
        processes[index].due = nil
        guard code == 0 else {
            processes[index].control = -1
            let failure = LaunchFailure(stage: stage, code: -code, index: launched.index)
            act(processes[index].machine.failed(failure), index)
            return forgetFailed(key)
        }
        processes[index].pid = launched.pid
        processes[index].pidfd = launched.pidfd
        if processes[index].hasFailed { _ = cm_signal(launched.pidfd, 9) }
        letGo(index)
    }

    /// A process that has been made goes on from here, and is looked after.
    mutating func letGo(_ index: Int) {
        let process = processes[index]
        if process.isSession { MonitorPoint.sessionCloned.reach() } else { MonitorPoint.containerCloned.reach() }
        let code = watch(process.control, .control(process.key), process.pidfd, .process(process.key))
        guard code == 0 else {
            _ = cm_signal(process.pidfd, 9)
            let failure = LaunchFailure(stage: UInt32(CL_STAGE_CLONE), code: -code, index: 0)
            act(processes[index].machine.failed(failure), index)
            return lookLater(index)
        }
        if process.machine.phase == .starting { _ = cl_go(process.control) }
    }

    /// What a process tells and its end, both or none: 0, or a negated errno.
    private func watch(_ told: Int32, _ wake: Wake, _ pidfd: Int32, _ end: Wake) -> Int32 {
        var code = cm_poll_add(poll, told, wake.token)
        if code == 0 { code = cm_poll_add_end(poll, pidfd, end.token) }
        if code != 0 { cm_poll_remove(poll, told) }
        return code
    }

    // MARK: Those that nothing tells of, since the kernel had no memory to have them watched

    private mutating func lookLater(_ index: Int) {
        processes[index].due = Due(.look, in: MonitorLimit.unwatchedPatience)
    }

    mutating func lookAgain(_ index: Int) {
        let process = processes[index]
        lookLater(index)
        guard let between = process.between else { return reap(process.key) }
        if cm_collect_ended(between.pid) != 0 { finishMaking(process.key) }
    }

    /// Fails a process that is being made, if it is; what is left of it goes as soon as the kernel lets it.
    mutating func giveUp(_ index: Int, _ failure: LaunchFailure) {
        guard let between = processes[index].between, !processes[index].hasFailed else { return }
        _ = cm_signal(between.pidfd, 9)
        processes[index].due = nil
        act(processes[index].machine.failed(failure), index)
    }

    /// Those that wait for hooks among them: whoever has these run is gone.
    mutating func giveUpAll() {
        for index in 0..<processes.count {
            giveUp(index, MakingEnd.unwanted)
            guard processes[index].machine.phase == .awaiting else { continue }
            _ = cm_signal(processes[index].pidfd, 9)
            act(processes[index].machine.failed(MakingEnd.unwanted), index)
        }
    }

    /// A process between has ended.
    mutating func betweenEnded(_ pid: Int32) {
        if let key = processes.first(where: { $0.between?.pid == pid })?.key { finishMaking(key) }
        collect(pid)
    }

    private mutating func collect(_ pid: Int32) {
        guard let index = uncollected.firstIndex(where: { $0.pid == pid }), cm_collect_ended(pid) != 0 else { return }
        let between = uncollected.remove(at: index)
        cm_poll_remove(poll, between.pidfd)
        cm_close(between.pidfd)
    }
}
