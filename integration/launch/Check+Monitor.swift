import ContainerRuntime
import Glibc
import Linux
import PodMonitor
import Synchronization

/// What a monitor owes the daemon after an ill-timed end: a daemon's, a process's.
extension Check {
    static let monitor: [Check] = [
        Check("an answer that its daemon did not wait for is not the next one's") { pod in
            let launch = try pod.container("c", ["sleep", "100"])
            // What is born frozen says nothing before it is let go.
            try pod.cgroup.child("c").setFrozen(true)
            let first = Task { _ = try? await pod.monitor.create(launch) }
            while try !pod.cgroup.child("c").isPopulated() { usleep(1000) }
            (pod.monitor as? PodMonitorClient)?.disconnect()
            await first.value
            let next = try RawDaemon(of: pod)
            try pod.cgroup.child("c").setFrozen(false)
            usleep(200_000)
            try next.send(.list, 70)
            let answered = try next.answered(until: 70)
            try next.send(.shutdown, 71)
            try expect(answered == [60, 70], "the answers to \(answered)")
        },
        Check("a prepared container keeps nothing of another's") { pod in
            var launch = try pod.container("c", ["sh", "-c", "cat; echo end"])
            launch.keepsInput = true
            _ = try await pod.monitor.run(launch)
            let created = try await pod.monitor.create(pod.container("waits", ["sleep", "100"]))
            let kept = try Set(openFiles(of: created.processID))
            try expect(kept.count <= 5, "its streams, its root and the monitor's word: \(kept)")
            try await pod.monitor.closeInput("c")
            let exit = try await pod.nextExit()
            try expect(exit.exitCode == 0, "\(exit)")
            try expect(try await pod.log("c", with: "end").contains("end"), "the end of its input")
        },
        Check("more detached mounts than one message takes come each to its place") { pod in
            let volume = pod.directory + "/volume"
            mkdir(volume, 0o755)
            var mounts: [Mount] = []
            for number in 0..<200 {
                mkdir("\(volume)/\(number)", 0o755)
                try writeFile("is \(number)\n", "\(volume)/\(number)/file")
                let tree = try DetachedMount(of: "\(number)", beneath: volume).shared()
                mounts.append(Mount(.tree(tree), at: "/v/\(number)"))
            }
            let (text, _) = try await pod.shell(
                "c", "cd /v; for i in *; do [ \"$(cat $i/file)\" = \"is $i\" ] && echo; done | wc -l"
            ) {
                $0.plan.mounts += mounts
            }
            try expect(text.hasPrefix("200"), text)
            let before = try openFiles(of: pod.monitor.processID).count
            var refused = try pod.container("c", ["true"])
            refused.plan.mounts += mounts
            do throws(PodMonitorError) {
                _ = try await pod.monitor.create(refused)
                try expectNever()
            } catch {
                try expect(error == .alreadyExists(id: "c"), "\(error)")
            }
            // It answers before it lets go.
            try await comes("the monitor closes what came for one that it refused") {
                try openFiles(of: pod.monitor.processID).count <= before
            }
            let again = try DetachedMount(of: "7", beneath: volume).shared()
            let (one, _) = try await pod.shell("d", "cat /v/7/file") {
                $0.plan.mounts.append(Mount(.tree(again), at: "/v/7"))
            }
            try expect(one.hasPrefix("is 7"), "what came for another container: \(one)")
            let after = try openFiles(of: pod.monitor.processID).count
            try expect(after < before + 50 && before < 50, "the monitor keeps \(before), then \(after) files")
        },
        Check("a dead monitor that is still held costs no processor time") { pod in
            try ProcessHandle(processID: pod.monitor.processID).signal(SIGKILL)
            for await _ in pod.monitor.exits {}
            let before = clock()
            usleep(300_000)
            let spent = (clock() - before) / 1000  // POSIX: clock counts microseconds
            try expect(spent < 100, "\(spent) ms of 300")
        },
        Check("number 1 of shared processes that is killed is replaced") { pod in
            var launch = try pod.container("a", ["sleep", "100"])
            launch.plan.processNamespace = .pod
            _ = try await pod.monitor.run(launch)
            let group = try pod.cgroup.child("monitor").processes()
            let first = group.first { (try? readText("/proc/\($0)/comm")) == "swiftlet-podini\n" }
            guard let first else { throw Unmet(description: "number 1 among \(group)") }
            try ProcessHandle(processID: first).signal(SIGKILL)
            let exit = try await pod.nextExit()
            try expect(exit.signal == SIGKILL, "its namespace ends with it: \(exit)")
            // It leaves its group before it can be collected.
            while let status = try? readText("/proc/\(first)/status"), !status.contains("State:\tZ") { usleep(1000) }
            let (text, _) = try await pod.shell("b", "echo runs") { $0.plan.processNamespace = .pod }
            try expect(text.hasPrefix("runs"), text)
        },
        Check("a volume that hangs holds back its own container alone, and that for ten seconds") { pod in
            guard let hung = try HungVolume(at: pod.directory + "/hung") else {
                return print("      not tried: there is no /dev/fuse here")
            }
            var launch = try pod.container("a", ["sleep", "100"])
            launch.plan.processNamespace = .pod
            _ = try await pod.monitor.run(launch)
            var reading = try pod.container("c", ["cat"])
            reading.keepsInput = true
            _ = try await pod.monitor.run(reading)
            var stuck = try pod.container("b", ["true"])
            stuck.plan.processNamespace = .pod
            stuck.plan.mounts.append(Mount(.path(hung.path + "/volume"), at: "/mnt"))
            // A monitor that waits without end ends this check all the same, with another error.
            let release = Task {
                try await Task.sleep(for: .seconds(120))
                hung.fail()
            }
            defer {
                release.cancel()
                hung.end()
            }
            let waiting = Waiting(pod.monitor, stuck)
            while try !pod.cgroup.child("b").isPopulated() { usleep(1000) }
            let session = try await pod.monitor.exec(
                ExecLaunch(id: "e", containerID: "a", process: pod.process(["echo", "here"])))
            try expect(!waiting.isAnswered, "the other container's session came after it")
            try expect(try await everything(of: session.stdout) == "here\n", "the other container's session")
            _ = try await pod.nextExit()
            // Who is held up has nobody else's input open.
            try await pod.monitor.closeInput("c")
            let end = try await pod.nextExit()
            try expect(end.exitCode == 0 && !waiting.isAnswered, "the end of another's input came after it: \(end)")
            let failure = try await waiting.failure
            guard let failure, case .launch("b", .clone, ETIMEDOUT, _) = failure, "\(failure)".contains("hangs") else {
                throw Unmet(description: "\(String(describing: failure))")
            }
            try await comes("who looked the volume up is gone") { try !pod.cgroup.child("b").isPopulated() }
        },
        Check("a container that holds its sessions up holds back itself alone") { pod in
            let (held, other) = (pod.cgroup.child("a"), "b")
            for id in ["a", other] { _ = try await pod.monitor.run(pod.container(id, ["sleep", "100"])) }
            try held.setFrozen(true)
            let waiting = try ["late", "killed"].map { id in
                Waiting(pod.monitor, ExecLaunch(id: id, containerID: "a", process: try pod.process(["true"])))
            }
            while try held.processes().count < 2 { usleep(1000) }
            let session = try await pod.monitor.exec(
                ExecLaunch(id: "e", containerID: other, process: pod.process(["echo", "here"])))
            try expect(try await everything(of: session.stdout) == "here\n", "the other container's session")
            _ = try await pod.nextExit()
            try expect(!waiting.contains { $0.isAnswered }, "the other container's session came after them")
            try await comes("both are begun") { try held.processes().count == 3 }
            try await pod.monitor.killExec("killed")
            let killed = try await waiting[1].failure
            guard case .launch("killed", _, 0, _) = killed else {
                throw Unmet(description: "killed: \(String(describing: killed))")
            }
            try expect(!waiting[0].isAnswered, "the end of one was the other's")
            let late = try await waiting[0].failure
            guard case .launch("late", .clone, ETIMEDOUT, _) = late else {
                throw Unmet(description: "late: \(String(describing: late))")
            }
            try await comes("what was given up is gone") { try held.processes().count == 1 }
            try held.setFrozen(false)
            let again = try await pod.monitor.exec(
                ExecLaunch(id: "late", containerID: "a", process: pod.process(["echo", "again"])))
            try expect(try await everything(of: again.stdout) == "again\n", "its next session, by the same name")
        },
        Check("a session that is killed while it is made is told as that, and what may have killed it") { pod in
            let first = try await pod.monitor.run(pod.container("a", ["sleep", "100"]))
            let held = pod.cgroup.child("a")
            try held.setFrozen(true)
            let waiting = Waiting(
                pod.monitor, ExecLaunch(id: "s", containerID: "a", process: try pod.process(["true"])))
            while try held.processes().count < 2 { usleep(1000) }
            for process in try held.processes() where process != first.processID {
                try ProcessHandle(processID: process).signal(SIGKILL)
            }
            let failure = try await waiting.failure
            guard let failure, case .launch("s", .clone, ECHILD, _) = failure, "\(failure)".contains("oom_kill") else {
                throw Unmet(description: "\(String(describing: failure))")
            }
            try held.setFrozen(false)
        },
        Check("what is being made when its daemon goes is not made") { pod in
            _ = try await pod.monitor.run(pod.container("a", ["sleep", "100"]))
            let held = pod.cgroup.child("a")
            try held.setFrozen(true)
            let waiting = Waiting(
                pod.monitor, ExecLaunch(id: "s", containerID: "a", process: try pod.process(["sleep", "100"])))
            while try held.processes().count < 2 { usleep(1000) }
            (pod.monitor as? PodMonitorClient)?.disconnect()
            _ = try await waiting.failure
            let next = try RawDaemon(of: pod)
            try next.send(.list, 70)
            try expect(try next.answered(until: 70) == [60, 70], "answers")
            try held.setFrozen(false)
            try await comes("it is gone") { try held.processes().count == 1 }
            try next.send(.shutdown, 71)
            try expect(try next.answered(until: 71) == [71], "answers")
        },
    ]

    private static func openFiles(of process: Int32) throws -> [String] {
        guard let directory = opendir("/proc/\(process)/fd") else { throw KernelError("list", "descriptors") }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append("\(name) \(link("/proc/\(process)/fd/\(name)"))") }
        }
        return names
    }
}

/// The protocol without a client's bookkeeping.
private struct RawDaemon {
    let socket: MessageSocket

    /// Greets with request 60.
    init(of pod: TestPod) throws {
        socket = try MessageSocket.connect(in: pod.directory, name: "monitor.sock")
        try send(.hello, 60) { $0.append(protocolVersion) }
    }

    func send(_ kind: MessageKind, _ request: UInt32, _ fill: (inout WireWriter) -> Void = { _ in }) throws {
        var message = WireWriter(kind, request: request)
        fill(&message)
        try socket.send(message.bytes)
    }

    /// The requests whose answers come, up to one of them.
    func answered(until last: UInt32) throws -> [UInt32] {
        var numbers: [UInt32] = []
        for _ in 0..<60_000 where numbers.last != last {
            guard let message = try socket.receive() else {
                usleep(1000)
                continue
            }
            message.bytes.withUnsafeBytes { bytes in
                var reader = WireReader(bytes)
                guard reader.number(UInt32.self) == MessageKind.reply.rawValue else { return }
                numbers.append(reader.number(UInt32.self))
            }
        }
        return numbers
    }
}
