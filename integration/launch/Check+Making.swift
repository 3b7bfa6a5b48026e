import ContainerRuntime
import Glibc
import Linux
import PodMonitor

/// What a monitor makes of those that make its processes, and of what goes wrong on their way.
extension Check {
    static let making: [Check] = [
        Check(
            "a session goes on whose process between is killed once it has made it; one that is killed as well is told"
        ) {
            pod in
            let held = try await pod.ground.pod(pod.name + "-held") {
                $0.environment = ["SWIFTLET_HOLD=monitor.childMade"]
            }
            let first = try await held.monitor.run(held.container("a", ["sleep", "100"]))
            let group = held.cgroup.child("a")
            for ends in [false, true] {
                let waiting = Waiting(
                    held.monitor,
                    ExecLaunch(id: "s\(ends)", containerID: "a", process: try held.process(["sleep", "100"])))
                while try !waiting.isAnswered && group.processes().filter(isStopped).isEmpty { usleep(1000) }
                guard let between = try group.processes().first(where: isStopped) else {
                    print("      not tried: a monitor of a release build has no places to be held at")
                    try await held.monitor.killExec("s\(ends)")
                    break
                }
                // The process between last: with its end the other is let go.
                let made = try group.processes().filter { ends && $0 != first.processID && $0 != between }
                for process in made + [between] { try ProcessHandle(processID: process).signal(SIGKILL) }
                let failure = try await waiting.failure
                try expect((failure != nil) == ends, "\(String(describing: failure))")
                if !ends { try await held.monitor.killExec("s\(ends)") }
                try await comes("nothing is left of it") { try group.processes() == [first.processID] }
            }
            // The container and the log writer.
            try await comes("all are collected") { try children(of: held.monitor.processID).count == 2 }
            try await held.monitor.shutdown()
        },
        Check("sessions that the kernel cannot end are a loss of their own container alone") { pod in
            guard let volume = try HungVolume(at: pod.directory + "/hung") else {
                return print("      not tried: there is no /dev/fuse here")
            }
            volume.serve()
            defer { volume.end() }
            let ids = ["a", "b", "c", "d", "free"]
            for id in ids {
                var launch = try pod.container(id, ["sleep", "100"])
                if id != "free" { launch.plan.mounts.append(Mount(.path(volume.path), at: "/mnt")) }
                _ = try await pod.monitor.run(launch)
            }
            var sessions = 0
            func session(_ id: String) throws -> ExecLaunch {
                var process = try pod.process(["true"])
                process.workingDirectory = "/mnt/\(sessions)"
                return ExecLaunch(id: "s\(sessions)", containerID: id, process: process)
            }
            for id in ids.dropLast() {
                for _ in 0..<MonitorLimit.lostSessions {
                    let waiting = Waiting(pod.monitor, try session(id))
                    try await comes("\(sessions) looks its directory up") { volume.lookups == sessions + 1 }
                    try await pod.monitor.killExec("s\(sessions)")
                    guard case .launch = try await waiting.failure else { throw Unmet(description: "it was given up") }
                    sessions += 1
                }
                let failure = try await Waiting(pod.monitor, try session(id)).failure
                guard case .limit = failure else {
                    throw Unmet(description: "one more: \(String(describing: failure))")
                }
            }
            try expect(sessions >= MonitorLimit.sessions, "as many as a pod may have")
            let free = try await pod.monitor.exec(
                ExecLaunch(id: "free", containerID: "free", process: pod.process(["echo", "here"])))
            try expect(try await everything(of: free.stdout) == "here\n", "another's session")
            _ = try await pod.nextExit()
            volume.fail()
            try await comes("they are collected") { try children(of: pod.monitor.processID).count == ids.count + 1 }
            let again = try await pod.monitor.exec(
                ExecLaunch(id: "again", containerID: "a", process: pod.process(["echo", "again"])))
            try expect(try await everything(of: again.stdout) == "again\n", "the next session")
        },
        Check("a container that a volume holds up has nobody else's input open") { pod in
            guard let hung = try HungVolume(at: pod.directory + "/hung") else {
                return print("      not tried: there is no /dev/fuse here")
            }
            var reading = try pod.container("c", ["cat"])
            reading.keepsInput = true
            _ = try await pod.monitor.run(reading)
            var stuck = try pod.container("b", ["true"])
            stuck.plan.mounts.append(Mount(.path(hung.path + "/volume"), at: "/mnt"))
            let release = Task {
                try await Task.sleep(for: .seconds(60))
                hung.fail()
            }
            defer {
                release.cancel()
                hung.end()
            }
            let waiting = Waiting(pod.monitor, stuck)
            while try !pod.cgroup.child("b").isPopulated() { usleep(1000) }
            try await pod.monitor.closeInput("c")
            let end = try await pod.nextExit()
            try expect(end.exitCode == 0 && !waiting.isAnswered, "the end of another's input came after it: \(end)")
            try await pod.monitor.kill("b")
            try expect(try await waiting.failure != nil, "it was killed")
        },
        Check("the hooks of a call have one time together") { pod in
            for station in [LaunchHook.Station.createContainer, .startContainer] {
                var launch = try pod.container("\(station)", ["sleep", "100"])
                let bundle = "\(pod.directory)/bundle-\(station)"
                for directory in [bundle, bundle + "/rootfs"] { mkdir(directory, 0o700) }
                launch.plan.bundle = HookBundle(directory: bundle, root: bundle + "/rootfs", state: "{\"id\":\"c\"")
                // Three seconds of sleep, none of which is longer than the two that there are.
                launch.plan.hookPatience = 2_000
                launch.plan.hooks = (0..<3).map { _ in
                    LaunchHook(station, path: "/bin/busybox", arguments: ["sleep", "1"], timeout: 100)
                }
                do throws(PodMonitorError) {
                    _ = try await pod.monitor.run(launch)
                    try expectNever()
                } catch {
                    guard case .hook(_, _, _, ETIMEDOUT, _) = error else { throw Unmet(description: "\(error)") }
                }
            }
        },
        Check("what the kernel has no memory to watch is ended and told, and leaves nothing") { pod in
            // The upper halves of a control socket's token, a process's, an answer's and a process between's.
            for kind in [4, 5, 7, 8] {
                let poor = try await pod.ground.pod("\(pod.name)-\(kind)") {
                    $0.environment = ["SWIFTLET_REFUSE=\(kind)"]
                }
                let launches = try ["a", "b"].map { try poor.container($0, ["sleep", "100"]) }
                let process = try poor.process(["sleep", "100"])
                var failures: [PodMonitorError] = []
                for launch in launches {
                    do throws(PodMonitorError) { _ = try await poor.monitor.run(launch) } catch {
                        failures.append(error)
                    }
                }
                for id in ["s", "t"] {
                    do throws(PodMonitorError) {
                        _ = try await poor.monitor.exec(ExecLaunch(id: id, containerID: "b", process: process))
                    } catch { failures.append(error) }
                }
                if failures.isEmpty { return print("      not tried: a monitor of a release build refuses nothing") }
                guard case .launch(_, _, ENOSPC, _) = failures[0], failures.count == 1 else {
                    throw Unmet(description: "\(kind): \(failures)")
                }
                // Three of the four, and the log writer.
                try await comes("\(kind): nothing is left of it") {
                    try children(of: poor.monitor.processID).count == 4
                }
                try await poor.monitor.shutdown()
            }
        },
        Check("nothing is made of a container whose device program cannot be attached") { pod in
            let parent = pod.cgroup.child("x")
            try parent.create()
            for name in ["a", "b"] { try parent.child(name).create() }
            func launch(_ id: String) throws -> ContainerLaunch {
                var launch = try pod.container(id, ["true"])
                launch.plan.cgroup = parent.child("a").path
                return launch
            }
            _ = try await pod.monitor.run(launch("first"))
            _ = try await pod.nextExit()
            // The group has the program, which it takes but once; and beside a threaded one it takes no processes.
            try await comes("it is empty") { try !parent.isPopulated() }
            try writeText("threaded", to: parent.child("b").path + "/cgroup.type")
            let second = try launch("second")
            do throws(PodMonitorError) {
                _ = try await pod.monitor.run(second)
                try expectNever()
            } catch {
                guard case .launch("second", let stage, EINVAL, _) = error,
                    stage.description == "attaching the device program"
                else { throw Unmet(description: "\(error)") }
            }
        },
        Check("a zombie that another process traces is waited for, not looked at again and again") { pod in
            let report = try await pod.monitor.run(pod.container("c", ["sleep", "100"]))
            try expect(trace(report.processID) == 0, "it is traced")
            try ProcessHandle(processID: report.processID).signal(SIGKILL)
            try await comes("it has ended") { state(of: report.processID) == "Z" }
            // Its end was there before this was asked.
            let list = try await pod.monitor.containers()
            try expect(list.first?.state == .running, "it cannot be reaped: \(list)")
            try await comes("the monitor sleeps") { state(of: pod.monitor.processID) == "S" }
            waitpid(report.processID, nil, 0)
            let exit = try await pod.nextExit()
            try expect(exit.signal == SIGKILL, "\(exit)")
        },
    ]

    /// As who collects it before its parent does.
    private static func trace(_ process: Int32) -> Int {
        typealias Trace = @convention(c) (Int, Int, Int, Int) -> Int
        let seize = 0x4206
        // SAFETY: ptrace(2) takes four words; its C declaration, of any number of arguments, is not to be had in Swift.
        return dlsym(nil, "ptrace").map { unsafeBitCast($0, to: Trace.self)(seize, Int(process), 0, 0) } ?? -1
    }

    private static func isStopped(_ process: Int32) -> Bool { state(of: process) == "T" }

    /// As proc_pid_status(5) has it.
    private static func state(of process: Int32) -> Character? {
        guard let text = try? readText("/proc/\(process)/status") else { return nil }
        return text.split(separator: "\n").first { $0.hasPrefix("State:") }?.dropFirst(7).first
    }

    /// Those that it has not collected among them.
    private static func children(of process: Int32) throws -> [Substring] {
        try readText("/proc/\(process)/task/\(process)/children").split(separator: " ")
    }
}
