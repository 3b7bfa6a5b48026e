import CLaunch
import Glibc
import JSONTree
import Launch
import OCISpecification

/// What a container is doing.
package enum ContainerStatus: String, Sendable {
    case creating, created, running, paused, stopped
}

/// What is kept of a container between two calls, in its directory's `state.json`.
package struct ContainerState: Sendable, Equatable {
    package var id: String
    package var version: String
    package var bundle: String
    package var rootfs: String
    package var processID: Int32
    /// Clock ticks after boot at which the process began: a number used again has another.
    package var processStart: UInt64
    package var created: String
    /// The cgroup's directory; nil without one.
    package var cgroup: String?
    /// systemd's unit that the cgroup is of.
    package var unit: String?
    package var annotations: [String: String]
    package var owner: String
    /// Whether the container's tree lies in the caller's mount namespace, to be taken away at the end.
    package var isMountedHere: Bool
    package var isPidNamespaceShared: Bool
    /// Whether it has its creator's session keyring, as its sessions then have their caller's.
    package var keepsKeyring: Bool
    /// Whether anything is left to do that only the configuration says: hooks, a seccomp listener.
    package var needsConfiguration: Bool

    package init(
        id: String, version: String, bundle: String, rootfs: String, processID: Int32, processStart: UInt64,
        created: String, cgroup: String?, annotations: [String: String]
    ) {
        self.id = id
        self.version = version
        self.bundle = bundle
        self.rootfs = rootfs
        self.processID = processID
        self.processStart = processStart
        self.created = created
        self.cgroup = cgroup
        self.annotations = annotations
        owner = ""
        isMountedHere = false
        isPidNamespaceShared = false
        keepsKeyring = false
        needsConfiguration = true
    }

    package init(_ reader: SpecificationReader) throws(OCIError) {
        id = try reader.string("id") ?? ""
        version = try reader.string("ociVersion") ?? ""
        bundle = try reader.string("bundle") ?? ""
        rootfs = try reader.string("rootfs") ?? ""
        processID = try reader.needed("pid")
        processStart = try reader.needed("processStart")
        created = try reader.string("created") ?? ""
        cgroup = try reader.string("cgroup")
        unit = try reader.string("unit")
        annotations = try reader.stringMap("annotations") ?? [:]
        owner = try reader.string("owner") ?? ""
        isMountedHere = try reader.bool("mountedHere") ?? false
        isPidNamespaceShared = try reader.bool("sharedPid") ?? false
        keepsKeyring = try reader.bool("keptKeyring") ?? false
        needsConfiguration = try reader.bool("unfinished") ?? true
    }

    /// The first process, which nobody who gets its number later can take the place of; nil where it has ended.
    func openProcess() throws(OCIRuntimeError) -> Descriptor? {
        let raw = cs_pidfd_open(processID)
        guard raw >= 0 else {
            // A number that is a thread's by now is EINVAL, since Linux 6.16 ENOENT.
            if [-ESRCH, -EINVAL, -ENOENT].contains(raw) { return nil }
            throw .kernel(KernelError("open", "process \(processID)", -raw))
        }
        let handle = Descriptor(owning: raw)
        guard try ProcessFacts.start(of: processID) == processStart else { return nil }
        return handle
    }

    /// The form of `state.json`.
    package var json: JSONValue {
        var object = described(.creating).object ?? JSONObject()
        object["pid"] = .integer(Int64(processID))
        object["status"] = nil
        object["processStart"] = .integer(Int64(truncatingIfNeeded: processStart))
        if let cgroup { object["cgroup"] = .string(cgroup) }
        if let unit { object["unit"] = .string(unit) }
        object["mountedHere"] = .bool(isMountedHere)
        object["sharedPid"] = .bool(isPidNamespaceShared)
        if keepsKeyring { object["keptKeyring"] = .bool(true) }
        object["unfinished"] = .bool(needsConfiguration)
        return .object(object)
    }

    /// What the container's process tells its own hooks, without what it adds (`HookBundle`).
    var forOwnHooks: String {
        var object = described(.created).object ?? JSONObject()
        object["status"] = nil
        object["pid"] = nil
        return String(decoding: JSONValue.object(object).encoded().dropLast(), as: UTF8.self)
    }

    /// The state as the specification has it, which `state` prints and hooks read.
    package func described(_ status: ContainerStatus) -> JSONValue {
        var object: JSONObject = [
            "ociVersion": .string(version), "id": .string(id), "status": .string(status.rawValue),
            "bundle": .string(bundle), "rootfs": .string(rootfs), "created": .string(created),
            "owner": .string(owner),
        ]
        object["pid"] = .integer(status == .stopped ? 0 : Int64(processID))
        if !annotations.isEmpty {
            object["annotations"] = .object(JSONObject(annotations.map { ($0.key, .string($0.value)) }))
        }
        return .object(object)
    }
}

/// The state of a process as /proc tells it.
package enum ProcessFacts {
    /// When it began, in clock ticks after boot; nil where there is none or it has ended and waits to be collected. An error where that cannot be
    /// told: whoever took a process for ended that runs would leave it behind.
    static func start(of processID: Int32) throws(OCIRuntimeError) -> UInt64? {
        do throws(KernelError) { return start(in: try readText("/proc/\(processID)/stat")) } catch {
            guard error.code == ENOENT || error.code == ESRCH else { throw .kernel(error) }
            return nil
        }
    }

    /// Of the text of its stat file (proc_pid_stat(5)): the state is the first field after the name, the start the twentieth.
    package static func start(in text: String) -> UInt64? {
        guard let name = text.utf8.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let rest = text.utf8[text.utf8.index(after: name)...].dropFirst()
        guard let state = rest.first, !"ZX".utf8.contains(state) else { return nil }
        var blanks = 0
        var start: UInt64?
        for byte in rest {
            if byte == UInt8(ascii: " ") {
                blanks += 1
            } else if blanks == 19 {
                guard (48...57).contains(byte) else { return nil }
                start = (start ?? 0) &* 10 &+ UInt64(byte - 48)
            } else if blanks > 19 {
                return start
            }
        }
        return nil
    }
}

extension ProcessFacts {
    /// Its number in the pid namespace that it lives in; nil where there is none.
    static func innermostNumber(of processID: Int32) -> Int32? {
        guard let text = try? readText("/proc/\(processID)/status") else { return nil }
        return innermostNumber(in: text)
    }

    /// Of the text of its status file (proc_pid_status(5)).
    package static func innermostNumber(in text: String) -> Int32? {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("NSpid:") }) else { return nil }
        return line.split(whereSeparator: { $0 == "\t" || $0 == " " }).last.flatMap { Int32($0) }
    }
}

/// Wall-clock time as RFC 3339 with nanoseconds. By plain calculation: the C library's reads the time zone first.
func timestamp() -> String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return timestamp(now.tv_sec, now.tv_nsec)
}

/// Of seconds since 1970, not before, and nanoseconds.
package func timestamp(_ seconds: Int, _ nanoseconds: Int) -> String {
    func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    // Years of this calculation begin in March, so that the day of a leap year is the last.
    let days = seconds / 86400 + 719_468
    let era = days / 146_097
    let day = days % 146_097
    let yearOfEra = (day - day / 1460 + day / 36524 - day / 146_096) / 365
    let dayOfYear = day - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let month = (5 * dayOfYear + 2) / 153
    let dayOfMonth = dayOfYear - (153 * month + 2) / 5 + 1
    let year = era * 400 + yearOfEra + (month > 9 ? 1 : 0)
    let date = "\(padded(year, 4))-\(padded(month > 9 ? month - 9 : month + 3, 2))-\(padded(dayOfMonth, 2))"
    let time = "\(padded(seconds / 3600 % 24, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
    return "\(date)T\(time).\(padded(nanoseconds, 9))Z"
}
