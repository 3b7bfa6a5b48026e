import ContainerRuntime
import Glibc
import Linux

extension Check {
    static let pod: [Check] = [
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
            for _ in 0..<6_000 where try pod.cgroup.isPopulated() { usleep(5000) }
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
            let log = try await pod.log("c", with: "two")
            try expect(exit.exitCode == 0 && log.contains("two"), "\(exit) \(log)")
        },
        Check("a container that keeps its output busy does not hold back exits") { pod in
            _ = try await pod.monitor.run(pod.container("busy", ["yes"]))
            let (text, exit) = try await pod.shell("c", "echo hi; exit 4")
            try expect(exit.exitCode == 4, "\(exit) \(text)")
            try expect(text.contains("hi"), "the log comes too: \(text)")
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
        Check("containers that share their processes see each other, and nothing through number 1") { pod in
            var launch = try pod.container("a", ["sleep", "77"])
            launch.plan.processNamespace = .pod
            _ = try await pod.monitor.run(launch)
            let script =
                "ps; ls /proc/1/root/ 2>&1; ls /proc/1/fd 2>&1; (echo x > /proc/1/mem) 2>&1; cat /proc/1/status"
            let (text, _) = try await pod.shell("b", script) { $0.plan.processNamespace = .pod }
            try expect(text.contains("sleep 77") && text.contains("swiftlet-podini"), text)
            try expect(text.split(separator: "\n").filter { $0.contains("ermission denied") }.count >= 2, text)
            try expect(
                field("CapBnd", in: text) == "0000000000000000" && field("Uid", in: text) == "65534 65534 65534 65534",
                text)
            let session = try await pod.monitor.exec(
                ExecLaunch(id: "e", containerID: "a", process: pod.process(["ps"])))
            let seen = try await everything(of: session.stdout)
            try expect(seen.contains("sleep 77"), seen)
            _ = try await pod.nextExit()
            _ = try await pod.shell("orphans", "(sleep 0 &) ; exit 0") { $0.plan.processNamespace = .pod }
            try await pod.monitor.kill("a")
            let exit = try await pod.nextExit()
            try expect(exit.subject == .container("a") && exit.signal == SIGKILL, "\(exit)")
        },
        Check("who may trace those of its pod finds the host behind none of them") { pod in
            let marker = pod.directory + "/marker"
            try writeFile("host", marker)
            let look = "while :; do for p in /proc/[0-9]*; do [ -e $p/root\(marker) ] && echo led; done; done"
            var watcher = try pod.container("a", ["sh", "-c", "echo watching; " + look])
            watcher.plan.processNamespace = .pod
            let ownRights = watcher.plan.process.capabilities.bounding
            watcher.plan.process.capabilities = CapabilitySets(try ownRights | Capability.mask(of: ["SYS_PTRACE"]))
            _ = try await pod.monitor.run(watcher)
            while !pod.rawLog("a").contains("watching") { usleep(1000) }
            for number in 0..<20 where !pod.rawLog("a").contains("led") {
                let (_, exit) = try await pod.shell("b\(number)", "echo b") { $0.plan.processNamespace = .pod }
                try expect(exit.exitCode == 0, "\(exit)")
                _ = try await pod.monitor.exec(
                    ExecLaunch(id: "e\(number)", containerID: "a", process: pod.process(["true"])))
                _ = try await pod.nextExit()
            }
            try expect(!pod.rawLog("a").contains("led"), "one led to the host's files")
            try await pod.monitor.kill("a")
            _ = try await pod.nextExit()
        },
        Check("who may trace those of its pod finds more rights than its own behind none of them") { pod in
            let administration = 1 << 21
            let look = """
                echo watching; while :; do for p in /proc/[0-9]*; do while read -r k v; do
                case $k in CapPrm:) [ $((0x$v & \(administration))) = 0 ] || echo mighty $p;; esac; done <$p/status; done; done 2>/dev/null
                """
            var watcher = try pod.container("a", ["sh", "-c", look])
            watcher.plan.processNamespace = .pod
            _ = try await pod.monitor.run(watcher)
            while !pod.rawLog("a").contains("watching") { usleep(1000) }
            let isMadeAhead = try makesProcfsForOthers()
            for number in 0..<40 where !pod.rawLog("a").contains("mighty") {
                _ = try await pod.monitor.exec(
                    ExecLaunch(id: "e\(number)", containerID: "a", process: pod.process(["true"])))
                _ = try await pod.nextExit()
                guard isMadeAhead else { continue }
                _ = try await pod.shell("b\(number)", "echo b") { $0.plan.processNamespace = .pod }
            }
            try expect(!pod.rawLog("a").contains("mighty"), "one had more: \(pod.rawLog("a"))")
            try await pod.monitor.kill("a")
            _ = try await pod.nextExit()
        },
        Check("who waits to be started in the sight of others has the rights of its program alone") { pod in
            var first = try pod.container("a", ["sleep", "100"])
            first.plan.processNamespace = .pod
            _ = try await pod.monitor.run(first)
            var launch = try pod.container("b", ["sleep", "100"])
            launch.plan.processNamespace = .pod
            launch.plan.process.noNewPrivileges = true
            let waiting = try await pod.monitor.create(launch)
            let text = try readText("/proc/\(waiting.processID)/status")
            let rights = String(launch.plan.process.capabilities.bounding, radix: 16)
            for set in ["CapPrm", "CapEff", "CapBnd"] {
                let found = field(set, in: text) ?? ""
                try expect(found.hasSuffix("0" + rights), "\(set) \(found)")
            }
            let seals = ["NoNewPrivs", "Seccomp"]
            try expect(seals.map { field($0, in: text) } == ["1", "2"], "no new rights, and its filter: \(text)")
            let own = try readText("/proc/\(pod.monitor.processID)/status")
            try expect(field("CapPrm", in: own)?.hasSuffix("0" + rights) == false, "the control: the monitor has more")
            try expect(seals.map { field($0, in: own) } != ["1", "2"], "the control: the monitor is not sealed")
            _ = try await pod.monitor.start("b")
            for name in ["a", "b"] {
                try await pod.monitor.kill(name)
                _ = try await pod.nextExit()
            }
        },
        Check("rubbish on the socket does not hurt") { pod in
            _ = try await pod.monitor.run(pod.container("c", ["sleep", "100"]))
            (pod.monitor as? PodMonitorClient)?.disconnect()
            var random: UInt64 = 7
            func next() -> UInt32 {
                random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt32(truncatingIfNeeded: random >> 32)
            }
            for _ in 0..<300 {
                // The queue of waiting daemons is short.
                guard let socket = try? MessageSocket.connect(in: pod.directory, name: "monitor.sock") else {
                    usleep(2000)
                    continue
                }
                var hello = [UInt8](repeating: 0, count: 12)
                hello[0] = 1
                hello[8] = 1
                try socket.send(hello)
                for _ in 0..<5 {
                    // Any request but shutdown, with a body of noise that often names the container.
                    let noise = (0..<Int(next() % 60)).map { _ in UInt8(truncatingIfNeeded: next()) }
                    let name: [UInt8] = next() % 2 == 0 ? [1, 0, 0, 0, UInt8(ascii: "c")] : []
                    let kind = UInt8(next() % 14 + 1)
                    if kind == 6 || kind == 5 { continue }
                    try? socket.send([kind, 0, 0, 0, 9, 0, 0, 0] + name + noise)
                }
            }
            // Until all that noise is read, the queue may be full.
            for _ in 0..<6_000 where (try? MessageSocket.connect(in: pod.directory, name: "monitor.sock")) == nil {
                usleep(10_000)
            }
            let again = try await pod.ground.spawner.adopt(pod: pod.name, directory: pod.directory)
            let list = try await again.containers()
            try expect(list.first?.id == "c" && list.first?.state == .running, "\(list)")
            try await again.shutdown()
        },
        Check("a polite end: the monitor stays until the containers have ended") { pod in
            _ = try await pod.monitor.run(pod.container("c", ["sleep", "100"]))
            try ProcessHandle(processID: pod.monitor.processID).signal(SIGTERM)
            try expect(try await pod.monitor.containers().count == 1, "it still answers")
            try await pod.monitor.signal("c", SIGKILL)
            for await _ in pod.monitor.exits {}
            try expect(try !pod.cgroup.isPopulated(), "all gone")
        },
        Check("a container beyond its memory limit is told as killed for memory") { pod in
            let hierarchy = pod.cgroup.hierarchy
            guard hierarchy.controllers.contains("memory") else {
                return print("      not tried: this host's memory controller is bound to cgroup v1")
            }
            let launch = try pod.container("c", ["dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"])
            for parent in [Cgroup("", in: hierarchy), pod.ground.group, pod.cgroup] { try parent.delegate(["memory"]) }
            let group = pod.cgroup.child("c")
            try group.set("memory.max", "\(16 << 20)")
            // Not there where the kernel does not count swap.
            try? group.set("memory.swap.max", "0")
            _ = try await pod.monitor.run(launch)
            let exit = try await pod.nextExit()
            try expect(exit.outOfMemory && exit.signal == SIGKILL, "\(exit)")
            print("      killed for memory: \(exit)")
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

    /// Whether a container can be made by who is not in its pid namespace: since Linux 6.17.
    private static func makesProcfsForOthers() throws -> Bool {
        let numbers = try readText("/proc/sys/kernel/osrelease").split(separator: ".").compactMap { Int($0) }
        return numbers.count > 1 && (numbers[0], numbers[1]) >= (6, 17)
    }
}
