import Glibc
import Linux
import PodMonitor

/// A monitor's answer to one request.
struct MonitorReply: Sendable {
    let status: ReplyStatus
    /// What follows the status.
    let body: [UInt8]
    let descriptors: [SharedDescriptor]

    /// The error this answer stands for; nil where it went well.
    func error(id: String, operation: String, names: PlanNames? = nil) -> PodMonitorError? {
        body.withUnsafeBytes { bytes in
            var reader = WireReader(bytes)
            switch status {
            case .done: return nil
            case .launchFailed:
                let stage = LaunchStage(rawValue: reader.number(UInt32.self))
                let code = reader.number(Int32.self)
                let index = reader.number(UInt32.self)
                if stage == .hook {
                    let said = reader.isAtEnd ? [] : reader.string(limit: MonitorLimit.message)
                    return .hook(id: id, index: Int(index), name: nil, code: code, said: LaunchHook.line(of: said))
                }
                let detail = names?.object(of: stage, index: index)
                return .launch(id: id, stage: stage, code: code, detail: detail)
            case .notFound: return .notFound(id: id)
            case .alreadyExists: return .alreadyExists(id: id)
            case .wrongState: return .wrongState(id: id, operation: operation)
            case .limit: return .limit(id: id, of: "containers, sessions or unacknowledged exits")
            case .kernel: return .kernel(KernelError(operation, id, reader.number(Int32.self)))
            case .malformed: return .kernel(KernelError(operation, id, EBADMSG))
            case .version: return .version(directory: id, found: reader.number(UInt32.self))
            }
        }
    }

    /// The body of a launch that went well.
    var report: LaunchReport {
        body.withUnsafeBytes { bytes in
            var reader = WireReader(bytes)
            var report = LaunchReport(
                processID: reader.number(Int32.self), createdAt: reader.number(UInt64.self),
                startedAt: reader.number(UInt64.self), warnings: [])
            let count = reader.number(UInt32.self)
            for _ in 0..<min(count, 16) {
                let stage = LaunchStage(rawValue: reader.number(UInt32.self))
                report.warnings.append(LaunchWarning(stage: stage, code: reader.number(Int32.self)))
            }
            return report
        }
    }

    /// The body of a list.
    var containers: [MonitoredContainer] { list.containers }

    /// What follows the list; older monitors end before it.
    var unacknowledged: UnacknowledgedExits { list.unacknowledged }

    private var list: (containers: [MonitoredContainer], unacknowledged: UnacknowledgedExits) {
        body.withUnsafeBytes { bytes in
            var reader = WireReader(bytes)
            var containers: [MonitoredContainer] = []
            let count = reader.number(UInt32.self)
            while containers.count < Int(count), !reader.failed {
                let id = String(decoding: reader.string(limit: MonitorLimit.identifier), as: UTF8.self)
                let state = MonitoredContainer.State(rawValue: reader.number(UInt32.self)) ?? .exited
                let process = reader.number(Int32.self)
                let created = reader.number(UInt64.self)
                let started = reader.number(UInt64.self)
                let exit = reader.number(UInt32.self) != 0 ? ProcessExit(ExitRecord(from: &reader)) : nil
                if reader.failed { break }
                containers.append(
                    MonitoredContainer(
                        id: id, state: state, processID: process, createdAt: created, startedAt: started, exit: exit))
            }
            if reader.isAtEnd || reader.failed { return (containers, UnacknowledgedExits()) }
            let waiting = Int(reader.number(UInt32.self))
            return (containers, UnacknowledgedExits(count: waiting, oldest: reader.number(UInt64.self)))
        }
    }

    /// The number at an index of the body.
    func number(at index: Int) -> UInt32 {
        body.withUnsafeBytes { bytes in
            var reader = WireReader(bytes)
            for _ in 0..<index { _ = reader.number(UInt32.self) }
            return reader.number(UInt32.self)
        }
    }
}

extension ProcessExit {
    init(_ record: ExitRecord) {
        let container = String(decoding: record.container, as: UTF8.self)
        let session = String(decoding: record.session, as: UTF8.self)
        self.init(
            number: record.number,
            subject: session.isEmpty ? .container(container) : .exec(session: session, container: container),
            exitCode: record.exitCode, signal: record.signal, outOfMemory: record.outOfMemory,
            startedAt: record.startedAt, finishedAt: record.finishedAt)
    }
}
