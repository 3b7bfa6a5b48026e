import ContainerRuntime
import Glibc
import Linux

extension Check {
    static let life: [Check] = [
        Check("create waits, start lets go") { pod in
            let created = try await pod.monitor.create(pod.container("c", ["sleep", "100"]))
            try expect(created.startedAt == 0 && created.processID > 0, "\(created)")
            var list = try await pod.monitor.containers()
            try expect(list.first?.state == .created, "\(list)")
            let started = try await pod.monitor.start("c")
            try expect(started.startedAt > 0 && started.processID == created.processID, "\(started)")
            list = try await pod.monitor.containers()
            try expect(list.first?.state == .running, "\(list)")
            try await pod.monitor.signal("c", SIGKILL)
            let exit = try await pod.nextExit()
            try expect(exit.signal == SIGKILL && exit.exitCode == 137, "\(exit)")
            try await pod.monitor.remove("c")
            try expect(try await pod.monitor.containers().isEmpty, "removed")
        },
        Check("a missing command, a directory, a file without the right") { pod in
            for (index, program) in ["nothing-here", "/bin/nothing", "/bin", "/bin/data", "data"].enumerated() {
                do throws(PodMonitorError) {
                    var launch = ContainerLaunch(
                        id: "x",
                        plan: LaunchPlan(process: ProcessPlan(arguments: [program]), root: .directory("/"), cgroup: ""))
                    do { launch = try pod.container("c\(index)", [program]) } catch {
                        throw .monitorGone(pod: "\(error)")
                    }
                    _ = try await pod.monitor.run(launch)
                    throw PodMonitorError.monitorGone(pod: "it ran")
                } catch {
                    let expected = index < 2 ? error.isCommandNotFound : error.isPermissionDenied
                    try expect(expected, "\(program): \(error)")
                }
            }
            do {
                _ = try await pod.shell("m", "true") {
                    $0.plan.mounts.append(Mount(.path("/no/such/source"), at: "/v"))
                }
                throw Unmet(description: "a missing source must fail")
            } catch let error as PodMonitorError {
                try expect("\(error)".contains("/no/such/source"), "the message names the source: \(error)")
            }
        },
        Check("a prepared command that is missing fails at start") { pod in
            _ = try await pod.monitor.create(pod.container("c", ["gone"]))
            do throws(PodMonitorError) {
                _ = try await pod.monitor.start("c")
                try expectNever()
            } catch {
                try expect(error.isCommandNotFound, "\(error)")
            }
        },
        Check("exec: output, exit code, input") { pod in
            _ = try await pod.monitor.run(pod.container("c", ["sleep", "100"]))
            let first = try await pod.monitor.exec(
                ExecLaunch(
                    id: "e1", containerID: "c", process: pod.process(["sh", "-c", "echo out; echo err >&2; exit 3"])))
            let output = try await everything(of: first.stdout)
            let errors = try await everything(of: first.stderr)
            try expect(output == "out\n" && errors == "err\n", output + errors)
            let exit = try await pod.nextExit()
            try expect(exit.exitCode == 3 && exit.subject == .exec(session: "e1", container: "c"), "\(exit)")
            let second = try await pod.monitor.exec(
                ExecLaunch(id: "e2", containerID: "c", process: pod.process(["cat"]), stdin: true))
            try await second.stdin?.write(Array("typed".utf8))
            second.stdin?.close()
            let echoed = try await everything(of: second.stdout)
            try expect(echoed == "typed", echoed)
            _ = try await pod.nextExit()
        },
        Check("exec sees what the container sees, and leaves nothing") { pod in
            _ = try await pod.monitor.run(pod.container("c", ["sleep", "100"]))
            let script =
                "ps; cat /proc/self/status; ls /proc/self/fd; cat /proc/self/cgroup; ls /proc/1/root/bin | wc -l"
            let session = try await pod.monitor.exec(
                ExecLaunch(id: "e", containerID: "c", process: pod.process(["sh", "-c", script])))
            let text = try await everything(of: session.stdout)
            try expect(text.contains("sleep 100"), "the container's processes: \(text)")
            try expect(field("Seccomp", in: text) == "2", "seccomp")
            try expect(field("CapBnd", in: text) == "00000000a80425fb", "capabilities")
            try expect(text.contains("0::/\n"), "the container's cgroup: \(text)")
            _ = try await pod.nextExit()
        },
        Check("terminals: container and exec, size, controlling") { pod in
            var launch = try pod.container("c", ["sh", "-c", "tty; stty size; sleep 100"])
            launch.plan.process.terminal = TerminalSize(columns: 101, rows: 33)
            _ = try await pod.monitor.run(launch)
            var process = try pod.process(["sh", "-c", "tty; stty size; read x; stty size; echo got $x"])
            process.terminal = TerminalSize(columns: 90, rows: 20)
            let session = try await pod.monitor.exec(
                ExecLaunch(id: "e", containerID: "c", process: process, stdin: true))
            var text = ""
            while !text.contains("20 90") {
                let more = try await session.stdout?.read() ?? []
                if more.isEmpty { break }
                text += String(decoding: more, as: UTF8.self)
            }
            try session.terminal?.resize(to: TerminalSize(columns: 70, rows: 10))
            try await session.stdin?.write(Array("typed\n".utf8))
            text += try await everything(of: session.stdout)
            try expect(text.contains("/dev/pts/") && text.contains("10 70") && text.contains("got typed"), text)
            _ = try await pod.nextExit()
            let log = try await pod.log("c", with: "33 101")
            try await pod.monitor.resize("c", to: TerminalSize(columns: 5, rows: 6))
            try await pod.monitor.kill("c")
            _ = try await pod.nextExit()
            try expect(log.contains("/dev/console") || log.contains("/dev/pts/0"), log)
            try expect(log.contains("33 101"), log)
        },
        Check("attach: output from now on, input, its end") { pod in
            var launch = try pod.container("c", ["sh", "-c", "read a; echo first $a; cat; echo done"])
            launch.keepsInput = true
            _ = try await pod.monitor.run(launch)
            let attached = try await pod.monitor.attach("c")
            try await attached.stdin?.write(Array("one\ntwo\n".utf8))
            attached.stdin?.close()
            try await pod.monitor.closeInput("c")
            let text = try await everything(of: attached.stdout)
            try expect(text == "first one\ntwo\ndone\n", text)
            _ = try await pod.nextExit()
        },
        Check("log lines: format, partial lines, order") { pod in
            let script = "echo a; echo b >&2; yes 0123456789 | head -c 20000 | grep -v zzz >/dev/null; echo -n end"
            _ = try await pod.monitor.run(pod.container("c", ["sh", "-c", script]))
            _ = try await pod.nextExit()
            let text = try await pod.log("c", with: "end")
            try expect(text.contains("a\n") && text.contains("end"), text)
            let lines = pod.rawLog("c").split(separator: "\n")
            try expect(lines.contains { $0.hasSuffix(" stdout F a") }, "\(lines)")
            try expect(lines.contains { $0.hasSuffix(" stderr F b") }, "\(lines)")
            try expect(lines.last?.hasSuffix(" stdout P end") == true, "\(lines)")
        },
        Check("log rotation") { pod in
            _ = try await pod.shell("c", "yes 0123456789012345678901234567890123456789 | head -c 300000") {
                $0.log?.maximumSize = 100_000
                $0.log?.maximumFiles = 3
            }
            let names = ["", ".1", ".2", ".3"].map { access(pod.directory + "/c.log" + $0, F_OK) == 0 }
            try expect(names == [true, true, true, false], "\(names)")
        },
        Check("killing a container takes its sessions and children") { pod in
            _ = try await pod.monitor.run(pod.container("c", ["sh", "-c", "sleep 100 & sleep 100 & wait"]))
            _ = try await pod.monitor.exec(
                ExecLaunch(id: "e", containerID: "c", process: pod.process(["sleep", "100"])))
            try await pod.monitor.kill("c")
            let exits = [try await pod.nextExit(), try await pod.nextExit()]
            try expect(Set(exits.map(\.number)) == [1, 2], "\(exits)")
            try expect(exits.allSatisfy { $0.signal == SIGKILL }, "\(exits)")
            try expect(try !pod.cgroup.child("c").isPopulated(), "nothing is left in the group")
        },
    ]
}

/// Monotonic nanoseconds.
func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

func expectNever() throws(PodMonitorError) { throw .monitorGone(pod: "the call must fail") }
