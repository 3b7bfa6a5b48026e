import TestSupport
import Testing

@testable import DBus

/// Against bytes that other implementations wrote: calls by busctl (systemd 252), answers by dbus-daemon 1.14.
@Suite struct DBusWireTests {
    static let hello = """
        6c01000100000000010000006d00000001016f00150000002f6f72672f667265656465736b746f702f44427573000000030173000500000048656c6c6f
        00000002017300140000006f72672e667265656465736b746f702e444275730000000006017300140000006f72672e667265656465736b746f702e4442
        757300000000
        """
    static let start = """
        6c010401b800000002000000b600000001016f00190000002f6f72672f667265656465736b746f702f73797374656d643100000000000000030173001200
        000053746172745472616e7369656e74556e697400000000000002017300200000006f72672e667265656465736b746f702e73797374656d64312e4d616e
        61676572000000000000000006017300180000006f72672e667265656465736b746f702e73797374656d6431000000000000000008016700107373612873
        762961287361287376292900000009000000702d692e73636f7065000000040000006661696c000000009100000004000000504944730002617500000000
        040000004d0000000800000044656c656761746500016200010000000000000005000000536c696365000173000000000d0000006d616368696e652e736c
        69636500000000000000090000004d656d6f72794d6178000174000000000000000000001000000000000b000000416c6c6f776564435055730002617900
        010000000300000000000000
        """
    static let helloAnswer = """
        6c02010109000000010000003d00000006017300040000003a312e30000000000501750001000000080167000173000007017300140000006f72672e6672
        65656465736b746f702e4442757300000000040000003a312e3000
        """
    static let refusal = """
        6c0301013d000000040000007500000006017300040000003a312e300000000004017300280000006f72672e667265656465736b746f702e444275732e45
        72726f722e556e6b6e6f776e4d6574686f6400000000000000000501750003000000080167000173000007017300140000006f72672e667265656465736b
        746f702e4442757300000000380000006f72672e667265656465736b746f702e4442757320646f6573206e6f7420756e6465727374616e64206d65737361
        6765204e6f7468696e6700
        """
    static let jobRemoved = """
        6c04010141000000020000008d00000001016f00190000002f6f72672f667265656465736b746f702f73797374656d64310000000000000002017300200000
        006f72672e667265656465736b746f702e73797374656d64312e4d616e616765720000000000000000030173000a0000004a6f6252656d6f76656400000000
        00000801670004756f73730000000000000007017300040000003a312e3100000000070000001f0000002f6f72672f667265656465736b746f702f73797374
        656d64312f6a6f622f370009000000702d692e73636f706500000004000000646f6e6500
        """

    static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.utf8.filter { $0 > UInt8(ascii: " ") }
        return stride(from: 0, to: digits.count, by: 2).map {
            UInt8(String(decoding: digits[$0..<($0 + 2)], as: UTF8.self), radix: 16) ?? 0
        }
    }

    @Test func callsAreWrittenAsOthersWriteThem() throws {
        let bus = "org.freedesktop.DBus"
        let hello = try DBusMessage(serial: 1, to: bus, "/org/freedesktop/DBus", bus, "Hello", [])
        #expect(try hello.encoded() == Self.bytes(Self.hello))
        func property(_ name: String, _ value: DBusValue) -> DBusValue { .structure([.string(name), .variant(value)]) }
        let properties = [
            property("PIDs", .array(of: "u", [.uint32(77)])), property("Delegate", .bool(true)),
            property("Slice", .string("machine.slice")), property("MemoryMax", .uint64(1 << 20)),
            property("AllowedCPUs", .array(of: "y", [.byte(3)])),
        ]
        let name = "org.freedesktop.systemd1"
        var start = try DBusMessage(
            serial: 2, to: name, "/org/freedesktop/systemd1", name + ".Manager", "StartTransientUnit",
            [
                .string("p-i.scope"), .string("fail"), .array(of: "(sv)", properties), .array(of: "(sa(sv))", []),
            ])
        // busctl lets systemd ask a person for leave.
        start.flags = 4
        #expect(try start.encoded() == Self.bytes(Self.start))
        // And what was written is read as it was meant.
        #expect(try DBusMessage(start.encoded()).arguments()[2] == .array(of: "(sv)", properties))
    }

    @Test func answersOfABusAreRead() throws {
        let answer = try DBusMessage(Self.bytes(Self.helloAnswer))
        #expect(answer.kind == .reply && answer.replySerial == 1 && answer.sender == "org.freedesktop.DBus")
        #expect(try answer.arguments() == [.string(":1.0")])
        let refusal = try DBusMessage(Self.bytes(Self.refusal))
        #expect(refusal.kind == .error && refusal.errorName == "org.freedesktop.DBus.Error.UnknownMethod")
        let signal = try DBusMessage(Self.bytes(Self.jobRemoved))
        #expect(signal.kind == .signal && signal.member == "JobRemoved" && signal.path == "/org/freedesktop/systemd1")
        #expect(
            try signal.arguments() == [
                .uint32(7), .path("/org/freedesktop/systemd1/job/7"), .string("p-i.scope"), .string("done"),
            ])
    }

    @Test func theOtherEndFirstIsReadToo() throws {
        // A reply to serial 5 with one path, by the specification's rules.
        let bytes = Self.bytes(
            "42020001 0000000d 00000009 0000000f 05017500 00000005 0801670001 6f00 00 00000008 2f6a6f622f3230 3100")
        let message = try DBusMessage(bytes)
        #expect(message.serial == 9 && message.replySerial == 5)
        #expect(try message.arguments() == [.path("/job/201")])
    }

    @Test func aMessageIsAsLongAsItSaysUpToTheLimit() throws {
        let whole = Self.bytes(Self.jobRemoved)
        #expect(try DBusMessage.length(Array(whole.prefix(16))) == whole.count)
        var long = Array(whole.prefix(16))
        for place in [4, 12] {
            long = Array(whole.prefix(16))
            long.replaceSubrange(place..<(place + 4), with: [0xff, 0xff, 0xff, 0xff])
            #expect(throws: DBusError.self) { try DBusMessage.length(long) }
        }
        for length in 0..<whole.count {
            #expect(throws: DBusError.self) { try DBusMessage(Array(whole.prefix(length))) }
        }
    }

    @Test func textsWithAZeroByteAreNotSent() {
        #expect(throws: DBusError.self) { try DBusMessage(serial: 1, to: "a", "/", "b", "c", [.string("d\0e")]) }
    }

    /// Whatever comes in is read or refused, and nothing in it makes the reader trap, hang or take much memory.
    @Test func anyBytesAreReadOrRefused() {
        let messages = [Self.start, Self.helloAnswer, Self.refusal, Self.jobRemoved, Self.hello].map(Self.bytes)
        var read = 0
        for seed in WildBytes.seeds(20_000) {
            var wild = WildBytes(seed: seed)
            let message = messages[wild.next(below: messages.count)]
            var bytes = wild.next(below: 2) == 0 ? wild.mutated(message) : message
            // What types and lengths are written with, in the place of something else.
            for _ in 0..<wild.next(below: 3) where !bytes.isEmpty {
                bytes[wild.next(below: bytes.count)] = Array("a(v)ysoutgbx\u{0}\u{1}\u{7f}".utf8)[wild.next(below: 15)]
            }
            if let message = try? DBusMessage(bytes), (try? message.arguments()) != nil { read += 1 }
        }
        #expect((100..<19_900).contains(read), "\(read) of 20000 were read")
    }

    @Test func nestingEnds() {
        let deep = String(repeating: "a", count: 200) + "y"
        var reader = DBusReader([UInt8](repeating: 0, count: 64), isBigEndian: false)
        #expect(throws: DBusError.self) { try reader.values(deep) }
        // A variant within a variant, again and again.
        var nested = DBusReader(Array(repeating: [1, 118, 0], count: 200).flatMap { $0 }, isBigEndian: false)
        #expect(throws: DBusError.self) { try nested.values("v") }
        for signature in ["(", "()", "a", "a()", "a{sv}", "(y", "h", ")"] {
            var reader = DBusReader([UInt8](repeating: 0, count: 64), isBigEndian: false)
            #expect(throws: DBusError.self, "\(signature)") { try reader.values(signature) }
        }
    }

    @Test func addressesAreThoseOfTheSpecification() {
        #expect(DBusAddress.parse("unix:path=/run/dbus/system_bus_socket") == [.file("/run/dbus/system_bus_socket")])
        #expect(
            DBusAddress.parse("tcp:host=h;unix:guid=1,abstract=/tmp/a%20b;unix:path=/c")
                == [.abstract("/tmp/a b"), .file("/c")])
        #expect(DBusAddress.parse("unix:path=/a%00b").isEmpty && DBusAddress.parse("unix:path=/a%4").count == 1)
        #expect(DBusAddress.parse("").isEmpty)
    }

    @Test func whereNobodyListensTheErrorSaysWhere() {
        let bus = "/nowhere/bus"
        do throws(DBusError) {
            _ = try DBusConnection.open([.file(bus)])
            Issue.record("somebody listens at \(bus)")
        } catch {
            #expect("\(error)".contains(bus))
        }
    }
}
