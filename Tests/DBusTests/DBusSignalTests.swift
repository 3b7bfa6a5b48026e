import Glibc
import Launch
import Testing

@testable import DBus

/// Whose signals are believed. The bus has said all that it will before the conversation begins, so that nobody has to wait for it.
@Suite struct DBusSignalTests {
    private static let manager = "org.freedesktop.systemd1"

    /// A message as the bus passes it on: with its sender.
    private static func message(
        _ kind: DBusMessage.Kind, from sender: String, answering serial: UInt32? = nil, error: String? = nil,
        member: String = "JobRemoved", _ arguments: [DBusValue]
    ) throws -> [UInt8] {
        var message = try DBusMessage(
            serial: 1, to: ":1.9", "/org/freedesktop/systemd1", manager + ".Manager", member, arguments)
        message.kind = kind
        message.sender = sender
        message.replySerial = serial
        message.errorName = error
        return try message.encoded()
    }

    private static func removed(_ sender: String, _ result: String) throws -> [UInt8] {
        try message(.signal, from: sender, [.uint32(7), .path("/job/7"), .string("p.scope"), .string(result)])
    }

    /// A conversation in which these signals come after the subscription, and then nothing more.
    /// - Parameter absences: how often nobody has the name yet.
    /// - Returns: how often the name got another owner, and how the job ended.
    private func conversation(
        _ early: [[UInt8]] = [], then signals: [[UInt8]], absences: UInt32 = 0
    ) throws -> (changes: Int, last: DBusValue?) {
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        let bus = Descriptor(owning: ends[1])
        var said = Array("DATA\r\nOK 0123\r\n".utf8)
        said += try Self.message(.reply, from: "org.freedesktop.DBus", answering: 1, [.string(":1.9")])
        said += try Self.message(.reply, from: "org.freedesktop.DBus", answering: 2, [])
        for absence in 0..<absences {
            said += try Self.message(
                .error, from: "org.freedesktop.DBus", answering: 3 + absence,
                error: "org.freedesktop.DBus.Error.NameHasNoOwner", [.string("no such name")])
        }
        said += try Self.message(.reply, from: "org.freedesktop.DBus", answering: 3 + absences, [.string(":1.3")])
        for signal in early { said += signal }
        said += try Self.message(.reply, from: "org.freedesktop.DBus", answering: 4 + absences, [])
        for signal in signals { said += signal }
        try #require(write(bus.raw, said, said.count) == said.count)
        shutdown(bus.raw, Int32(SHUT_WR))
        var connection = try DBusConnection.open(
            over: Descriptor(owning: ends[0]), until: DBusConnection.now() + 30_000)
        try connection.subscribe("type='signal'", from: Self.manager)
        var changes = 0
        while true {
            if let arguments = try connection.signal("JobRemoved") { return (changes, arguments.last) }
            changes += 1
        }
    }

    @Test func signalsOfTheNamesOwnerAlone() throws {
        let forged = try Self.removed(":1.66", "failed")
        let pretended = try Self.removed(Self.manager, "failed")
        let real = try Self.removed(":1.3", "done")
        #expect(try conversation([forged], then: [pretended, forged, real]).last == .string("done"))
        #expect(try conversation([forged, real], then: []).last == .string("done"))
        #expect(throws: DBusError.self) { try conversation(then: [forged, pretended]) }
    }

    /// A bus that our coming has started.
    @Test func aNameThatIsTakenInAMomentIsWaitedFor() throws {
        #expect(try conversation(then: [Self.removed(":1.3", "done")], absences: 2).last == .string("done"))
    }

    @Test func aFloodOfForgedOnesDrivesNoRealOneOut() throws {
        let flood = try Array(repeating: Self.removed(":1.66", "failed"), count: 400)
        #expect(try conversation([Self.removed(":1.3", "done")] + flood, then: flood).last == .string("done"))
    }

    private static func owned(
        _ name: String = manager, by owner: String, says sender: String = "org.freedesktop.DBus"
    ) throws -> [UInt8] {
        try message(
            .signal, from: sender, member: "NameOwnerChanged", [.string(name), .string(":1.3"), .string(owner)])
    }

    /// A service manager that executes itself anew comes back under another name of the bus's.
    @Test func whoOwnsTheNameLaterIsBelievedFromThenOn() throws {
        let (old, new) = (try Self.removed(":1.3", "failed"), try Self.removed(":1.4", "done"))
        let change = [try Self.owned(by: ""), try Self.owned(by: ":1.4")]
        let told = try conversation(then: [new] + change + [old, new])
        #expect(told.changes == 1 && told.last == .string("done"))
        // By nobody's word but the bus's, and of no other name.
        let real = try Self.removed(":1.3", "done")
        for forged in [try Self.owned(by: ":1.66", says: ":1.66"), try Self.owned("a.b", by: ":1.66")] {
            let told = try conversation(then: [forged, Self.removed(":1.66", "failed"), real])
            #expect(told.changes == 0 && told.last == .string("done"))
        }
    }
}
