import CLaunch

/// Why a process that was being made is not.
enum MakingEnd {
    static let late = LaunchFailure(stage: UInt32(CL_STAGE_CLONE), code: 110, index: 0)  // ETIMEDOUT
    static let unwanted = LaunchFailure(stage: UInt32(CL_STAGE_LOST), code: 0, index: 0)
}

/// Processes that another one makes: it looks a container's volumes up, or takes a session's steps inside its container, and whoever is there, or serves a
/// volume, may hold it up. Nobody else is to wait for it.
extension Monitor {
    mutating func awaitMade(_ launched: cl_launched, _ index: Int) {
        processes[index].between = launched.between
        processes[index].answer = launched.answer
        processes[index].deadline = cm_monotonic_clock() + MonitorLimit.makingPatience * 1_000_000
        _ = cm_poll_add(poll, launched.answer, Wake.made(processes[index].key).token)
    }

    /// Who makes the process has told what came of it, or has ended.
    mutating func finishMaking(_ key: UInt32) {
        guard let index = index(of: key), processes[index].isBeingMade else { return }
        var launched = cl_launched()
        launched.control = processes[index].control
        launched.between = processes[index].between
        launched.answer = processes[index].answer
        var stage: UInt32 = 0
        cm_poll_remove(poll, launched.answer)
        let code = cl_launch_finish(&launched, &stage)
        makers.append(launched.between)
        processes[index].answer = -1
        processes[index].deadline = nil
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
        if process.machine.phase == .starting { _ = cl_go(process.control) }
        _ = cm_poll_add(poll, process.control, Wake.control(process.key).token)
        _ = cm_poll_add(poll, process.pidfd, Wake.process(process.key).token)
    }

    /// Fails a process that is being made, if it is; what is left of it goes as soon as the kernel lets it.
    mutating func giveUp(_ index: Int, _ failure: LaunchFailure) {
        guard processes[index].isBeingMade else { return }
        cm_kill(processes[index].between)
        processes[index].deadline = nil
        act(processes[index].machine.failed(failure), index)
    }

    mutating func giveUpAll() {
        for index in 0..<processes.count { giveUp(index, MakingEnd.unwanted) }
    }

    mutating func collectMakers() {
        makers.removeAll { cm_collect_ended($0) != 0 }
    }
}
