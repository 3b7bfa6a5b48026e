import ContainerRuntime
import Glibc
import Linux
import PodMonitor

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
            try expect(exit.exitCode == 0 && pod.log("c").contains("end"), "\(exit)")
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
