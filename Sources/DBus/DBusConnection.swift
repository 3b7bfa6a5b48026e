import Glibc
import Launch

/// A conversation with a bus: one call at a time, and the signals that were asked for. All of it ends at one deadline.
package struct DBusConnection: ~Copyable {
    /// Signals of the one they are kept of that wait to be read; beyond that the oldest are dropped.
    private static let mostSignals = 256
    private static let bus = (name: "org.freedesktop.DBus", path: "/org/freedesktop/DBus")

    private let socket: Descriptor
    private let deadline: Int64
    private var serial: UInt32 = 0
    private var inbox: [UInt8] = []
    private var signals: [DBusMessage] = []
    /// Whose signals are kept: who owns the name, by that which the bus itself gave it; nil as long as nobody does.
    private var speaker: (name: String, owner: String?)?
    private var hasNewSpeaker = false

    /// Connects to the first address where somebody listens and introduces itself as who this process is.
    package static func open(_ addresses: [DBusAddress], seconds: Int64 = 30) throws(DBusError) -> DBusConnection {
        try open(over: connected(addresses, seconds), until: now() + seconds * 1000)
    }

    /// On a socket that is connected already.
    static func open(over socket: consuming Descriptor, until deadline: Int64) throws(DBusError) -> DBusConnection {
        var connection = DBusConnection(socket, until: deadline)
        try connection.authenticate()
        _ = try connection.call(bus.name, bus.path, bus.name, "Hello")
        return connection
    }

    private init(_ socket: consuming Descriptor, until deadline: Int64) {
        self.socket = socket
        self.deadline = deadline
    }

    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    private static func connected(_ addresses: [DBusAddress], _ seconds: Int64) throws(DBusError) -> Descriptor {
        var cause = "no address of a kind that is known here"
        for address in addresses {
            let raw = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            guard raw >= 0 else { throw .unreachable(bus: "\(address)", cause: KernelError.text(of: errno)) }
            let socket = Descriptor(owning: raw)
            // No single wait is longer; the deadline is looked at between them.
            var limit = timeval(tv_sec: Int(seconds), tv_usec: 0)
            setsockopt(raw, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            setsockopt(raw, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            if address.withKernelForm({ Glibc.connect(raw, $0, $1) }) == 0 { return socket }
            cause = KernelError.text(of: errno)
        }
        let names = addresses.map { $0.description }.joined(separator: ", ")
        throw .unreachable(bus: names.isEmpty ? "an address that is not understood" : names, cause: cause)
    }

    /// SASL's EXTERNAL without a name of our own: the bus takes the user that the kernel gives it, in whatever user namespace we are.
    private mutating func authenticate() throws(DBusError) {
        try send(Array("\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n".utf8))
        for expected in ["DATA", "OK "] {
            let line = try line()
            guard line.hasPrefix(expected) else {
                throw .refused(name: "AUTH", message: "the bus does not let this user in: \(line)")
            }
        }
    }

    /// A line of the introduction, at most 1024 bytes.
    private mutating func line() throws(DBusError) -> String {
        while true {
            if let end = inbox.firstIndex(of: UInt8(ascii: "\n")) {
                defer { inbox.removeFirst(end + 1) }
                return String(decoding: inbox[..<end], as: UTF8.self).filter { $0 != "\r" && $0 != "\r\n" }
            }
            guard inbox.count < 1024 else { throw .malformed("an introduction without end") }
            try fill("the introduction")
        }
    }

    /// Calls a method and waits for its answer.
    package mutating func call(
        _ destination: String, _ path: String, _ interface: String, _ member: String, _ arguments: [DBusValue] = []
    ) throws(DBusError) -> [DBusValue] {
        serial += 1
        let message = try DBusMessage(serial: serial, to: destination, path, interface, member, arguments)
        try send(try message.encoded())
        while true {
            let answer = try next("the answer to \(member)")
            guard answer.replySerial == serial else {
                keep(answer)
                continue
            }
            if answer.kind == .reply { return try answer.arguments() }
            guard answer.kind == .error else { continue }
            var text = ""
            if case .string(let words)? = (try? answer.arguments())?.first { text = words }
            throw .refused(name: answer.errorName ?? "", message: text)
        }
    }

    /// From now on signals that the rule fits are sent to us, and those are kept that come from who owns `name`: whoever may use the bus may also
    /// send us any signal directly. Who the owner is the bus tells, now and where it changes.
    package mutating func subscribe(_ rule: String, from name: String) throws(DBusError) {
        let bus = DBusConnection.bus
        let change = "type='signal',sender='\(bus.name)',member='NameOwnerChanged',arg0='\(name)'"
        _ = try call(bus.name, bus.path, bus.name, "AddMatch", [.string(change)])
        speaker = (name, try owner(of: name))
        _ = try call(bus.name, bus.path, bus.name, "AddMatch", [.string(rule)])
    }

    /// By the name that the bus gave it. A bus that was started by our coming may be a moment ahead of who is to own the name: it is waited for, up to
    /// three seconds.
    private mutating func owner(of name: String) throws(DBusError) -> String {
        let bus = DBusConnection.bus
        var attempts = 150
        while true {
            do throws(DBusError) {
                let answer = try call(bus.name, bus.path, bus.name, "GetNameOwner", [.string(name)]).first
                guard case .string(let owner)? = answer else {
                    throw .malformed("an answer to GetNameOwner without a name")
                }
                return owner
            } catch .refused(let error, _) where error.hasSuffix(".NameHasNoOwner") && attempts > 1 {
                attempts -= 1
                usleep(20_000)
            }
        }
    }

    /// The arguments of the next signal of that name, whether it has come already or is waited for. Nil, once for each change, where the name has
    /// another owner since: what was said in between has reached nobody.
    package mutating func signal(_ member: String) throws(DBusError) -> [DBusValue]? {
        while true {
            if let index = signals.firstIndex(where: { $0.member == member }) {
                return try signals.remove(at: index).arguments()
            }
            if hasNewSpeaker {
                hasNewSpeaker = false
                return nil
            }
            keep(try next("the signal \(member)"))
        }
    }

    private mutating func keep(_ message: DBusMessage) {
        guard message.kind == .signal, let sender = message.sender, let speaker else { return }
        if sender == DBusConnection.bus.name {
            if message.member == "NameOwnerChanged" { follow((try? message.arguments()) ?? []) }
            return
        }
        guard sender == speaker.owner else { return }
        if signals.count == DBusConnection.mostSignals { signals.removeFirst() }
        signals.append(message)
    }

    /// A name, who owned it and who owns it now; empty is nobody.
    private mutating func follow(_ change: [DBusValue]) {
        guard change.count == 3, let speaker, change[0] == .string(speaker.name), case .string(let owner) = change[2],
            owner != speaker.owner
        else { return }
        self.speaker = (speaker.name, owner.isEmpty ? nil : owner)
        hasNewSpeaker = !owner.isEmpty
    }

    private mutating func next(_ what: String) throws(DBusError) -> DBusMessage {
        while true {
            if inbox.count >= DBusMessage.headBytes {
                let length = try DBusMessage.length(Array(inbox.prefix(DBusMessage.headBytes)))
                if inbox.count >= length {
                    defer { inbox.removeFirst(length) }
                    return try DBusMessage(Array(inbox.prefix(length)))
                }
            }
            try fill(what)
        }
    }

    private mutating func fill(_ what: String) throws(DBusError) {
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            guard DBusConnection.now() < deadline else { throw .timedOut(waitingFor: what) }
            let count = recv(socket.raw, &chunk, chunk.count, 0)
            if count > 0 {
                inbox += chunk[..<count]
                return
            }
            guard count < 0 else { throw .malformed("the bus hung up before \(what)") }
            guard errno == EINTR || errno == EAGAIN else {
                throw .malformed("\(what): \(KernelError.text(of: errno))")
            }
        }
    }

    private func send(_ bytes: [UInt8]) throws(DBusError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard DBusConnection.now() < deadline else { throw .timedOut(waitingFor: "the bus to read") }
            let count = rest.withUnsafeBytes { Glibc.send(socket.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR && errno != EAGAIN {
                throw .malformed("the bus does not take what is sent: \(KernelError.text(of: errno))")
            }
        }
    }
}
