import CLaunch

/// A plan's bytes where they lie: in the message, or in a sealed memory file.
private struct PlanBytes {
    let bytes: UnsafeRawBufferPointer
    let isMapped: Bool

    init?(_ flags: UInt32, _ reader: inout WireReader, _ fds: inout InlineDescriptors) {
        let inline = reader.slice(limit: MonitorLimit.inlinePlan)
        guard flags & LaunchFlag.planInMemory != 0 else {
            bytes = inline
            isMapped = false
            return
        }
        let file = fds.takeLast()
        var size: UInt64 = 0
        let mapped = cm_map(file, &size)
        cm_close(file)
        guard let mapped else { return nil }
        bytes = UnsafeRawBufferPointer(start: mapped, count: Int(size))
        isMapped = true
    }

    func unmap() {
        if isMapped { cm_unmap(bytes.baseAddress, UInt64(bytes.count)) }
    }
}

/// The child's standard streams and our ends of them; -1 where there is none.
private struct Streams {
    var child: (Int32, Int32, Int32) = (-1, -1, -1)
    var input: Int32 = -1
    var output: Int32 = -1
    var errors: Int32 = -1

    func closeChild() {
        cm_close(child.0)
        cm_close(child.1)
        cm_close(child.2)
    }

    func closeOurs() {
        cm_close(input)
        cm_close(output)
        cm_close(errors)
    }

    /// Makes a container's: pipes, and /dev/null for an input that is not kept. A negated errno where the kernel gives none.
    mutating func open(keepsInput: Bool) -> Int32 {
        var code: Int32 = 0
        if keepsInput {
            code = cm_pipe(&child.0, &input)
        } else {
            child.0 = cm_open_null()
            code = min(child.0, 0)
        }
        if code == 0 { code = cm_pipe(&output, &child.1) }
        if code == 0 { code = cm_pipe(&errors, &child.2) }
        guard code != 0 else { return 0 }
        closeChild()
        closeOurs()
        return code
    }

    /// A session's: what came with the message, /dev/null for the rest.
    static func ofSession(_ flags: UInt32, _ fds: inout InlineDescriptors) -> Streams {
        var streams = Streams()
        streams.child.0 = flags & LaunchFlag.stdin != 0 ? fds.takeFirst() : cm_open_null()
        streams.child.1 = flags & LaunchFlag.stdout != 0 ? fds.takeFirst() : cm_open_null()
        streams.child.2 = flags & LaunchFlag.stderr != 0 ? fds.takeFirst() : cm_open_null()
        return streams
    }
}

extension Monitor {
    /// create: identifier, flags, log path, size, files, (with `joinsProcesses`) the container to join, (with `treesAhead`) their number, plan.
    /// Descriptors: trees, then the plan's file.
    mutating func create(_ request: UInt32, _ reader: inout WireReader, _ fds: inout InlineDescriptors) {
        let id = reader.string(limit: MonitorLimit.identifier)
        let flags = reader.number(UInt32.self)
        var log = LogTarget()
        log.path = reader.string(limit: MonitorLimit.path)
        log.maximumSize = reader.number(UInt64.self)
        log.maximumFiles = reader.number(UInt32.self)
        let target = flags & LaunchFlag.joinsProcesses != 0 ? reader.string(limit: MonitorLimit.identifier) : []
        let ahead = flags & LaunchFlag.treesAhead != 0 ? Int(reader.number(UInt32.self)) : 0
        guard let memory = PlanBytes(flags, &reader, &fds), !reader.failed, !id.isEmpty else {
            return reply(request, .malformed)
        }
        defer { memory.unmap() }
        // A connection that was cut has taken them along.
        guard let earlier = treesAhead.numbers(of: id, count: ahead) else { return reply(request, .malformed) }
        let trees = earlier + fds.numbers
        if container(id) != nil { return reply(request, .alreadyExists) }
        let others = count { !$0.isSession }
        if ledger.isFull || others >= MonitorLimit.containers { return reply(request, .limit) }
        var plan = cl_plan()
        let code = cl_plan_read(memory.bytes.baseAddress, UInt64(memory.bytes.count), &plan)
        guard code == 0 else { return reply(request, failure(CL_STAGE_PLAN, code)) }
        defer { cl_plan_free(&plan) }
        guard flags & LaunchFlag.joinsProcesses != 0 else {
            return launchContainer(request, id, flags, log, &plan, trees, processes: nil)
        }
        guard let joined = container(target) else { return reply(request, .notFound) }
        guard processes[joined].machine.phase == .running, processes[joined].isAlive else {
            return reply(request, .wrongState)
        }
        launchContainer(request, id, flags, log, &plan, trees, processes: processes[joined].pidfd)
    }

    private mutating func launchContainer(
        _ request: UInt32, _ id: [UInt8], _ flags: UInt32, _ log: LogTarget, _ plan: inout cl_plan, _ trees: [Int32],
        processes target: Int32?
    ) {
        let cgroup = cm_open_directory(plan.cgroup)
        guard cgroup >= 0 else { return reply(request, failure(CL_STAGE_CGROUP, cgroup)) }
        if plan.flags & UInt32(CL_PLAN_POD_PID) != 0, target == nil, let code = holdPodProcesses() {
            cm_close(cgroup)
            return reply(request, failure(CL_STAGE_NAMESPACES, code))
        }
        let hasTerminal = plan.flags & UInt32(CL_PLAN_TERMINAL) != 0
        let keepsInput = flags & LaunchFlag.keepsInput != 0
        var streams = Streams()
        let code = hasTerminal ? 0 : streams.open(keepsInput: keepsInput)
        guard code == 0 else {
            cm_close(cgroup)
            return reply(request, failure(CL_STAGE_STDIO, code))
        }
        let place = Placement(container: id, session: [], cgroup: cgroup, input: streams.input, keepsInput: keepsInput)
        let started = launch(request, &plan, streams, place, joining: nil, trees: trees, processes: target)
        streams.closeChild()
        guard let key = started else {
            streams.closeOurs()
            return cm_close(cgroup)
        }
        guard let index = index(of: key) else { return }
        processes[index].output = streams.output
        processes[index].errors = streams.errors
        processes[index].log = log
        addLog(index)
    }

    /// Starts number 1 of the shared pid namespace, anew where it was killed and has taken its namespace with it. The
    /// failure's negative errno, or nil.
    private mutating func holdPodProcesses() -> Int32? {
        var (code, value): (Int32, Int32) = (0, 0)
        if podInit >= 0, cl_reap(podInit, &code, &value) != 0 {
            cm_close(podInit)
            podInit = -1
        }
        guard podInit < 0 else { return nil }
        podInitPID = cl_pod_init_start(&podInit)
        return podInitPID > 0 ? nil : podInitPID
    }

    /// exec: session, container, flags, plan. Descriptors: the streams that the flags name, then the plan's file.
    mutating func exec(_ request: UInt32, _ reader: inout WireReader, _ fds: inout InlineDescriptors) {
        let id = reader.string(limit: MonitorLimit.identifier)
        let name = reader.string(limit: MonitorLimit.identifier)
        let flags = reader.number(UInt32.self)
        guard let memory = PlanBytes(flags, &reader, &fds), !reader.failed, !id.isEmpty else {
            return reply(request, .malformed)
        }
        defer { memory.unmap() }
        guard let index = container(name) else { return reply(request, .notFound) }
        guard processes[index].machine.phase == .running, processes[index].isAlive else {
            return reply(request, .wrongState)
        }
        if session(id) != nil { return reply(request, .alreadyExists) }
        let others = count { $0.isSession && !$0.hasFailed }
        let lost = count { $0.isSession && $0.hasFailed && $0.container == name }
        guard !ledger.isFull, others < MonitorLimit.sessions, lost < MonitorLimit.lostSessions else {
            return reply(request, .limit)
        }
        var plan = cl_plan()
        let code = cl_plan_read(memory.bytes.baseAddress, UInt64(memory.bytes.count), &plan)
        guard code == 0 else { return reply(request, failure(CL_STAGE_PLAN, code)) }
        defer { cl_plan_free(&plan) }
        let streams = Streams.ofSession(flags, &fds)
        let place = Placement(container: name, session: id, cgroup: -1, input: -1, keepsInput: false)
        _ = launch(request, &plan, streams, place, joining: index, trees: [])
        streams.closeChild()
    }

    private struct Placement {
        let container: [UInt8]
        let session: [UInt8]
        let cgroup: Int32
        let input: Int32
        let keepsInput: Bool
    }

    /// Clones, or has it cloned, and enters the process into the table: its key, or nil after the failure was answered.
    private mutating func launch(
        _ request: UInt32, _ plan: inout cl_plan, _ streams: Streams, _ place: Placement, joining: Int?,
        trees: [Int32], processes target: Int32? = nil
    ) -> UInt32? {
        var stage: UInt32 = 0
        var launched = cl_launched()
        let now = cm_wall_clock()
        let code = trees.withUnsafeBufferPointer { trees in
            withUnsafePointer(to: &plan) { plan in
                var order = cl_launch()
                order.plan = plan
                order.cgroup = joining.map { processes[$0].cgroup } ?? place.cgroup
                order.join_pidfd = joining.map { processes[$0].pidfd } ?? -1
                order.join_pid = joining.map { processes[$0].pid } ?? 0
                order.pod_pidfd = target ?? podInit
                order.own_pid_ns = pidNamespace
                order.stdio = streams.child
                order.null_mount = -1
                order.own_mount = -1
                order.trees = trees.baseAddress
                order.tree_count = UInt32(trees.count)
                let code = cl_launch_begin(&order, &launched, &stage)
                guard let joining, InnerGroup.isNeeded(code, stage) else { return code }
                let inner = InnerGroup.open(of: processes[joining])
                guard inner >= 0 else { return code }
                defer { cm_close(inner) }
                order.cgroup = inner
                return cl_launch_begin(&order, &launched, &stage)
            }
        }
        guard code == 0 else {
            reply(request, LaunchFailure(stage: stage, code: -code, index: launched.index))
            return nil
        }
        let key = nextKey()
        var process = Supervised(
            key: key, container: place.container, session: place.session,
            machine: ProcessMachine(startsAtOnce: joining != nil), pid: launched.pid, pidfd: launched.pidfd,
            control: launched.control, cgroup: place.cgroup,
            input: place.input, keepsInput: place.keepsInput, createdAt: now)
        process.request = request
        processes.append(process)
        let index = processes.count - 1
        if launched.between.pid > 0 { awaitMade(launched.between, index) } else { letGo(index) }
        return key
    }

    private func failure(_ stage: Int, _ code: Int32) -> LaunchFailure {
        LaunchFailure(stage: UInt32(stage), code: -code, index: 0)
    }

    private func count(_ counts: (Supervised) -> Bool) -> Int {
        var count = 0
        for process in processes where counts(process) { count += 1 }
        return count
    }
}
