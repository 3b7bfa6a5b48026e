import DBus
import Glibc
import Launch

/// A container's unit, asked of systemd over the bus: the system's, or for a caller without rights that of his session.
struct SystemdScope: Sendable, Equatable {
    private static let name = "org.freedesktop.systemd1"
    private static let path = "/org/freedesktop/systemd1"
    private static let interface = name + ".Manager"
    private static let rule =
        "type='signal',sender='\(name)',path='\(path)',interface='\(interface)',member='JobRemoved'"

    let unit: String

    /// Whether the unit is kept by the service manager of a user. The same in every call of one user, before and after he became the root of
    /// a user namespace.
    static var isUser: Bool {
        isUser(geteuid(), isInitialNamespace: HostFacts.isInitialUserNamespace, systemBusOwner: systemBusOwner)
    }

    /// The root of a user namespace may be that of a whole machine within it, whose system's bus is then his. That of a machine where he is
    /// one of the users belongs to somebody whom his namespace does not know. (runc asks the user's bus whose it is.)
    static func isUser(
        _ user: uid_t, isInitialNamespace: Bool, systemBusOwner: @autoclosure () -> uid_t?
    ) -> Bool { user != 0 || !isInitialNamespace && systemBusOwner() != 0 }

    /// Nil where there is no such bus, or one without a file.
    private static var systemBusOwner: uid_t? {
        var status = stat()
        guard case .file(let path)? = DBusAddress.system().first, stat(path, &status) == 0 else { return nil }
        return status.st_uid
    }

    /// Why no process can be made in a unit's group, where that is because the caller is not beneath the same service manager.
    static func explained(
        _ error: OCIRuntimeError, unit: String?, isUser: @autoclosure () -> Bool = SystemdScope.isUser
    ) -> OCIRuntimeError {
        guard let unit, case .launch(.clone, _, EACCES, _) = error, isUser() else { return error }
        return .unsupported(
            field: "--systemd-cgroup",
            cause: "\(unit) is kept by the user's systemd, and nobody but root puts a process into it from elsewhere; "
                + "call this program by `systemd-run --user --scope`, or without --systemd-cgroup")
    }

    /// Makes the unit around the processes that the properties name, and waits until it is there.
    func start(_ properties: [UnitProperty]) throws(OCIRuntimeError) {
        try talk { bus throws(DBusError) in
            // One that failed long ago, or that ended at this moment, is in the way until systemd has forgotten it.
            var isUnanswered = false
            for attempt in 1...10 {
                do throws(DBusError) {
                    return try startOnce(properties, &bus)
                } catch .refused(let name, _) where name.hasSuffix(".UnitExists") && attempt < 10 {
                    // Whether it is really ours the caller sees by where its process is.
                    if isUnanswered { return }
                    reset(&bus)
                    usleep(20_000)
                } catch .refused(let name, _) where name.hasSuffix(".NoReply") && attempt < 10 {
                    // It has executed itself anew, and heard us before that or not.
                    isUnanswered = true
                    usleep(20_000)
                }
            }
        }
    }

    private func startOnce(_ properties: [UnitProperty], _ bus: inout DBusConnection) throws(DBusError) {
        let properties = UnitProperty.array(try known(properties, &bus))
        let arguments: [DBusValue] = [.string(unit), .string("fail"), properties, .array(of: "(sa(sv))", [])]
        let result = try job("StartTransientUnit", arguments, &bus)
        guard result == "done" else {
            reset(&bus)
            throw .refused(name: result, message: "systemd did not start it: its job ended as \"\(result)\"")
        }
    }

    /// What this systemd knows; it is asked where there is doubt.
    private func known(
        _ properties: [UnitProperty], _ bus: inout DBusConnection
    ) throws(DBusError) -> [UnitProperty] {
        guard properties.contains(.idle) else { return properties }
        let arguments: [DBusValue] = [.string(SystemdScope.interface), .string("Version")]
        let answer = try bus.call(
            SystemdScope.name, SystemdScope.path, "org.freedesktop.DBus.Properties", "Get", arguments)
        guard case .variant(.string(let version))? = answer.first else { return properties }
        return UnitProperty.known(properties, to: version)
    }

    /// Changes limits while it runs; they hold until the unit ends.
    func set(_ properties: [UnitProperty]) throws(OCIRuntimeError) {
        if properties.isEmpty { return }
        try talk { bus throws(DBusError) in
            let properties = UnitProperty.array(try known(properties, &bus))
            try answered { () throws(DBusError) in
                _ = try call("SetUnitProperties", [.string(unit), .bool(true), properties], &bus)
            }
        }
    }

    /// Ends the unit, and lets systemd forget it. One that is not there is as good; so is no bus, for then nobody keeps units.
    func stop() throws(OCIRuntimeError) {
        do throws(OCIRuntimeError) {
            try talk { bus throws(DBusError) in
                do throws(DBusError) {
                    try answered { () throws(DBusError) in
                        _ = try job("StopUnit", [.string(unit), .string("replace")], &bus)
                    }
                } catch .refused(let name, _) where name.hasSuffix(".NoSuchUnit") {
                    return
                }
                reset(&bus)
            }
        } catch {
            guard case .unit(_, .unreachable) = error else { throw error }
        }
    }

    /// What may be asked twice is asked again while systemd executes itself anew: it may have heard us before that or not.
    private func answered(_ ask: () throws(DBusError) -> Void) throws(DBusError) {
        for attempt in 1...10 {
            do throws(DBusError) { return try ask() } catch .refused(let name, _)
                where name.hasSuffix(".NoReply") && attempt < 10
            { usleep(20_000) }
        }
    }

    /// Starts a job and waits for its end; how it ended, "done" where all is well.
    private func job(
        _ method: String, _ arguments: [DBusValue], _ bus: inout DBusConnection
    ) throws(DBusError) -> String {
        try bus.subscribe(SystemdScope.rule, from: SystemdScope.name)
        guard case .path(let job)? = try call(method, arguments, &bus).first else {
            throw .malformed("an answer to \(method) without a job")
        }
        while true {
            guard let removed = try bus.signal("JobRemoved") else {
                // It has executed itself anew, with its jobs; the end of ours may have come before it was heard again.
                if try hasEnded(job, &bus) { return "done" }
                continue
            }
            if removed.count == 4, removed[1] == .path(job), case .string(let result) = removed[3] { return result }
        }
    }

    private func hasEnded(_ job: String, _ bus: inout DBusConnection) throws(DBusError) -> Bool {
        guard let number = job.split(separator: "/").last.flatMap({ UInt32($0) }) else { return false }
        do throws(DBusError) { _ = try call("GetJob", [.uint32(number)], &bus) } catch .refused(let name, _)
            where name.hasSuffix(".NoSuchJob")
        { return true }
        return false
    }

    private func reset(_ bus: inout DBusConnection) { _ = try? call("ResetFailedUnit", [.string(unit)], &bus) }

    private func call(
        _ method: String, _ arguments: [DBusValue], _ bus: inout DBusConnection
    ) throws(DBusError) -> [DBusValue] {
        try bus.call(SystemdScope.name, SystemdScope.path, SystemdScope.interface, method, arguments)
    }

    private func talk(_ body: (inout DBusConnection) throws(DBusError) -> Void) throws(OCIRuntimeError) {
        do throws(DBusError) {
            var bus = try DBusConnection.open(SystemdScope.isUser ? DBusAddress.session() : DBusAddress.system())
            try body(&bus)
        } catch {
            throw .unit(name: unit, error)
        }
    }
}
