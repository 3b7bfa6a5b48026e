import APIMachinery
import Glibc
import Linux
import Synchronization

/// Tries now and then what nothing tells of: whether the data disk takes a write in time, and whether there is a process to be had. More often
/// while it does not, so that the end is seen soon. The wall clock is looked at when the kernel says that it was set.
package struct HostTrials: Sendable {
    private let host: HostWatch
    private let time: any TimeSource
    private let dataDirectory: String
    /// The errno value of a small durable write, 0 for success.
    private let writeDisk: @Sendable () async -> Int32
    /// The same of a new process.
    private let startProcess: @Sendable () async -> Int32

    static let pause = Duration.seconds(10)
    static let pauseInFault = Duration.seconds(3)

    package init(
        _ host: HostWatch, dataDirectory: String, time: any TimeSource,
        writeDisk: @escaping @Sendable () async -> Int32, startProcess: @escaping @Sendable () async -> Int32
    ) {
        self.host = host
        self.dataDirectory = dataDirectory
        self.time = time
        self.writeDisk = writeDisk
        self.startProcess = startProcess
    }

    /// On the real machine, with a thread of its own for the disk.
    package init(_ host: HostWatch, dataDirectory: String, time: any TimeSource) {
        let disk = BlockingThreads(count: 1, limit: 1)
        self.init(
            host, dataDirectory: dataDirectory, time: time,
            writeDisk: {
                do throws(KernelError) {
                    try await disk.run("trial write") { () throws(KernelError) in
                        try WholeFile.tryDurableWrite(in: dataDirectory)
                    }
                    return 0
                } catch {
                    return error.code
                }
            }, startProcess: { ThreadTrial.run() })
    }

    /// Returns when its task is cancelled.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await tryAgain { await tryDisk() } }
            group.addTask { await tryAgain { await tryProcess() } }
            group.addTask { await watchClock() }
        }
    }

    /// - Parameter trial: whether all was well.
    private func tryAgain(_ trial: @Sendable () async -> Bool) async {
        while !Task.isCancelled {
            let isWell = await trial()
            guard (try? await time.sleep(for: isWell ? Self.pause : Self.pauseInFault)) != nil else { return }
        }
    }

    private func tryDisk() async -> Bool {
        let start = time.uptime()
        let code = await withTaskGroup(of: Int32?.self) { group in
            group.addTask { await writeDisk() }
            group.addTask {
                if (try? await time.sleep(for: DiskTrial.limit)) != nil { host.found(.diskStalled, stallMessage) }
                return nil
            }
            while let answer = await group.next() {
                guard let answer else { continue }
                group.cancelAll()
                return answer
            }
            return 0
        }
        return judge(DiskTrial(code: code, duration: time.uptime() - start))
    }

    private var stallMessage: String {
        "a small write to \(dataDirectory) takes longer than \(DiskTrial.limit.components.seconds) s: what must be durable waits; "
            + "pods, probes and reads go on"
    }

    /// One fault of the disk at a time, but for the stall, which goes with each.
    private func judge(_ trial: DiskTrial) -> Bool {
        let fault: (HostFault, String)? =
            switch trial.code {
            case 0: nil
            case ENOSPC, EDQUOT:
                (.diskFull, "the file system of \(dataDirectory) is full: nothing can be written until there is space")
            case EROFS:
                (
                    .diskReadOnly,
                    "the file system of \(dataDirectory) is read-only: look into the kernel's log, mount it anew"
                )
            case let code:
                (.diskFailing, "writes to \(dataDirectory) fail: \(KernelError.text(of: code))")
            }
        for other in [HostFault.diskFull, .diskReadOnly, .diskFailing] where other != fault?.0 { host.gone(other) }
        if let (fault, message) = fault { host.found(fault, message) }
        let isSlow = trial.duration >= DiskTrial.limit
        if isSlow { host.found(.diskStalled, stallMessage) } else { host.gone(.diskStalled) }
        return fault == nil && !isSlow
    }

    private func tryProcess() async -> Bool {
        guard await startProcess() != 0 else {
            host.gone(.processesExhausted)
            return true
        }
        host.found(
            .processesExhausted,
            "the kernel has no process left (pid_max, threads-max): pods cannot start until others end")
        return false
    }

    private func watchClock() async {
        let clock = Mutex(ClockOffset(wall: time.now().sinceEpoch, uptime: time.uptime()))
        await time.keep {
            let finding = clock.withLock { $0.look(wall: time.now().sinceEpoch, uptime: time.uptime()) }
            switch finding {
            case .jumped(let jump):
                let seconds = jump.components.seconds
                host.found(
                    .clockSet,
                    "the wall clock was set \(seconds < 0 ? "back" : "forward") by \(seconds.magnitude) s; durations are not touched by it"
                )
                return ClockOffset.steadyAfter
            case .steady:
                host.gone(.clockSet)
                return .seconds(86_400)
            case .unsteady(let rest): return rest
            }
        }
    }
}
