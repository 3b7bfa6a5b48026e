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
            var launch = try pod.container("c", ["sh", "-c", "tty; stty size; ls -la /dev/console; sleep 100"])
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
            try await pod.monitor.resize("c", to: TerminalSize(columns: 5, rows: 6))
            try await pod.monitor.kill("c")
            _ = try await pod.nextExit()
            let log = pod.log("c")
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
            let (text, _) = try await pod.shell(
                "c", "echo a; echo b >&2; yes 0123456789 | head -c 20000 | grep -v zzz >/dev/null; echo -n end")
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
        Check("exits are kept for a daemon that comes back") { pod in
            _ = try await pod.monitor.run(pod.container("c", ["sh", "-c", "exit 7"]))
            for await exit in pod.monitor.exits {
                try expect(exit.exitCode == 7, "\(exit)")
                break
            }
            (pod.monitor as? PodMonitorClient)?.disconnect()
            let second = try await pod.ground.spawner.adopt(pod: pod.name, directory: pod.directory)
            try expect(second.processID == pod.monitor.processID, "the same monitor")
            for await exit in second.exits {
                try expect(exit.exitCode == 7 && exit.number == 1, "told again: \(exit)")
                try await second.acknowledge(upTo: 1)
                break
            }
            let list = try await second.containers()
            try expect(list.first?.state == .exited && list.first?.exit?.exitCode == 7, "\(list)")
            try await second.shutdown()
        },
        Check("a dead monitor ends its pod") { pod in
            let report = try await pod.monitor.run(pod.container("c", ["sleep", "100"]))
            try ProcessHandle(processID: pod.monitor.processID).signal(SIGKILL)
            for await _ in pod.monitor.exits {}
            for _ in 0..<200 where try pod.cgroup.isPopulated() { usleep(5000) }
            try expect(try !pod.cgroup.isPopulated(), "the container \(report.processID) died with it")
            do throws(PodMonitorError) {
                _ = try await pod.monitor.containers()
                try expectNever()
            } catch {
                try expect(error == .monitorGone(pod: pod.name), "\(error)")
            }
        },
        Check("a log writer that dies is replaced, and the container goes on") { pod in
            var launch = try pod.container("c", ["sh", "-c", "echo one; read a; echo two"])
            launch.keepsInput = true
            _ = try await pod.monitor.run(launch)
            while !pod.rawLog("c").contains("one") { usleep(1000) }
            let group = try pod.cgroup.child("monitor").processes()
            guard let writer = group.first(where: { $0 != pod.monitor.processID }) else {
                throw Unmet(description: "a log writer: \(group)")
            }
            try ProcessHandle(processID: writer).signal(SIGKILL)
            while try pod.cgroup.child("monitor").processes().contains(writer) { usleep(1000) }
            let attached = try await pod.monitor.attach("c")
            try await attached.stdin?.write(Array("x\n".utf8))
            let exit = try await pod.nextExit()
            try expect(exit.exitCode == 0 && pod.log("c").contains("two"), "\(exit) \(pod.log("c"))")
        },
        Check("a container that keeps its output busy does not hold back exits") { pod in
            _ = try await pod.monitor.run(pod.container("busy", ["yes"]))
            let (text, exit) = try await pod.shell("c", "echo hi; exit 4")
            try expect(exit.exitCode == 4 && text.contains("hi"), "\(exit) \(text)")
            try await pod.monitor.kill("busy")
            _ = try await pod.nextExit()
        },
        Check("kernel parameters are the pod's; the host's namespaces where asked") { pod in
            let own = try await pod.ground.pod(pod.name + "-sysctl") {
                $0.kernelParameters = ["net.ipv4.ip_unprivileged_port_start": "7"]
            }
            let (text, _) = try await own.shell("c", "cat /proc/sys/net/ipv4/ip_unprivileged_port_start")
            try expect(text.hasPrefix("7\n"), text)
            try await own.monitor.shutdown()
            let host = try await pod.ground.pod(pod.name + "-host") { $0.namespaces = [.ipc, .uts] }
            let (seen, _) = try await host.shell("c", "readlink /proc/self/ns/net; ls /proc | grep -c '^[0-9]'") {
                $0.plan.processNamespace = .host
            }
            let lines = seen.split(separator: "\n")
            try expect(lines.first.map(String.init) == link("/proc/self/ns/net"), "the host's network: \(seen)")
            try expect(Int(lines.last ?? "") ?? 0 > 3, "the host's processes: \(seen)")
            try await host.monitor.shutdown()
            do {
                _ = try await pod.ground.pod(pod.name + "-bad") { $0.kernelParameters = ["net/../kernel/panic": "1"] }
                throw Unmet(description: "a parameter outside must be refused")
            } catch let error as PodMonitorError {
                try expect("\(error)".contains("net/../kernel/panic"), "\(error)")
            }
        },
        Check("fifty pods at once") { pod in
            let start = monotonicNanoseconds()
            let pods = try await withThrowingTaskGroup(of: TestPod.self) { group in
                for index in 0..<50 {
                    group.addTask {
                        let one = try await pod.ground.pod("\(pod.name)-\(index)")
                        _ = try await one.monitor.run(one.container("c", ["sleep", "100"]))
                        return one
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            print("      \(pods.count) pods after \((monotonicNanoseconds() - start) / 1_000_000) ms")
            for one in pods { try await one.monitor.shutdown() }
        },
        Check("a large plan travels in a memory file") { pod in
            let (text, _) = try await pod.shell("c", "echo ${#BIG}") {
                $0.plan.process.environment.append("BIG=" + String(repeating: "x", count: 100_000))
            }
            try expect(text.hasPrefix("100000"), text)
        },
        Check("an OOM score this node may not set is a warning") { pod in
            var launch = try pod.container("c", ["true"])
            launch.plan.oomScoreAdjustment = -997
            let report = try await pod.monitor.run(launch)
            let mayLower = Capability.held >> 24 & 1 == 1
            try expect(mayLower == report.warnings.isEmpty, "\(report.warnings)")
            _ = try await pod.nextExit()
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
