import Protobuf
import Testing

final class Inner: ProtobufFields {
    let name = Scalar<String>(1)
    let inner = Child<Inner>(2)
}

enum Colour: Int32, ProtobufEnumeration {
    case red = 0
    case blue = 5
    static let zero = red
}

final class Outer: ProtobufFields {
    let text = Scalar<String>(1)
    let number = Scalar<Int64>(2)
    let flag = Scalar<Bool>(3)
    let inner = Child<Inner>(4)
    let inners = Children<Inner>(5)
    let texts = Texts(6)
    let numbers = Numbers<Int32>(7)
    let map = TextMap(8)
    let colour = Scalar<Colour>(9)
    let share = Scalar<Double>(10)
    let bytes = Scalar<[UInt8]>(2_000)
}

@Suite struct MessageTests {
    private var full: Message<Outer> {
        Message {
            $0.text = "grüße"
            $0.number = -1
            $0.flag = true
            $0.inner = Message { $0.name = "" }
            $0.inners = [Message { $0.name = "a" }, Message { $0.inner = Message { $0.name = "b" } }]
            $0.texts = ["x", "", "y"]
            $0.numbers = [1, -2, 3]
            $0.map = ["k": "v", "": "empty"]
            $0.colour = .blue
            $0.share = 0.5
            $0.bytes = [0, 255]
        }
    }

    @Test func whatIsWrittenReadsTheSame() throws {
        let read = try Message<Outer>(parsing: full.encoded)
        #expect(read == full)
        #expect(read.text == "grüße" && read.number == -1 && read.flag && read.colour == .blue && read.share == 0.5)
        #expect(read.inner?.name == "" && read.inners.map(\.name) == ["a", ""])
        #expect(read.inners.last?.inner?.name == "b" && read.texts == ["x", "", "y"])
        #expect(read.numbers == [1, -2, 3] && read.map == ["k": "v", "": "empty"] && read.bytes == [0, 255])
    }

    /// As another encoder writes it: the known bytes of the format's own examples.
    @Test func theBytesAreTheFormats() throws {
        #expect(Message<Outer> { $0.number = 150 }.encoded == [0x10, 0x96, 0x01])
        #expect(Message<Outer> { $0.text = "testing" }.encoded == [0x0A, 0x07] + Array("testing".utf8))
        #expect(Message<Outer> { $0.number = 0 }.encoded.isEmpty)
        // A list of numbers packed into one field.
        #expect(try Message<Outer>(parsing: [0x3A, 0x02, 0x03, 0x05]).numbers == [3, 5])
        // Of two values for one field the last counts.
        #expect(try Message<Outer>(parsing: [0x10, 1, 0x10, 2]).number == 2)
    }

    @Test func unknownFieldsSurvive() throws {
        let unknown: [UInt8] = [0x98, 0x06, 0x01]
        let bytes = unknown + [0x10, 0x02]
        var message = try Message<Outer>(parsing: bytes)
        message.number = 3
        #expect(message.encoded == unknown + [0x10, 0x03])
    }

    @Test(arguments: [
        [0x10], [0x12, 1, 0], [0x0A, 5, 65], [0x0A, 1, 0xFF], [0x22, 2, 0x0A, 9], [0x48, 0x04], [0x13], [0x00],
        [0x10] + [UInt8](repeating: 0x80, count: 10), [0x42, 2, 0x10, 1], [0x51, 1],
    ]) func whatIsNoMessageIsRefused(_ bytes: [UInt8]) {
        #expect(throws: ProtobufReader.Problem.self) { try Message<Outer>(parsing: bytes) }
    }

    @Test func nestingIsBounded() throws {
        func nested(_ depth: Int) -> [UInt8] {
            (0..<depth).reduce(Message<Inner> { $0.name = "x" }) { inner, _ in Message { $0.inner = inner } }.encoded
        }
        #expect(throws: Never.self) { try Message<Inner>(parsing: nested(20)) }
        #expect(throws: ProtobufReader.Problem.self) { try Message<Inner>(parsing: nested(40)) }
    }

    @Test func aProblemNamesItsField() {
        #expect(throws: ProtobufReader.Problem(text: "inner: name: it is no string")) {
            try Message<Outer>(parsing: [0x22, 2, 0x08, 1])
        }
    }

    /// Bytes by chance, and messages with a byte changed: read or refused, never more. The same seeds each time.
    @Test func wildBytesAreReadOrRefused() {
        var random = Lehmer(seed: 20_261_125)
        let good = full.encoded
        var read = 0
        for round in 0..<20_000 {
            var bytes = good
            if round % 2 == 0 {
                bytes = (0..<Int(random.next() % 64)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            } else {
                for _ in 0...Int(random.next() % 3) {
                    bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
                }
                bytes.removeLast(Int(random.next() % 4))
            }
            guard let message = try? Message<Outer>(parsing: bytes) else { continue }
            read += 1
            // What was accepted can be read in every field, and written and read again.
            _ = (message.text, message.inner?.inner?.name, message.inners, message.numbers, message.map, message.colour)
            #expect((try? Message<Outer>(parsing: message.encoded)) == message)
        }
        #expect(read > 500)
    }
}

/// Numbers from a seed, the same on every machine.
struct Lehmer {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 33
    }
}
