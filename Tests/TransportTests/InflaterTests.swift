import TestSupport
import Testing

@testable import Transport

/// The pieces were made by zlib 1.2.13.
@Suite struct InflaterTests {
    private static let numbers = Array((0..<150).map { "\($0 * 7919 % 1000) " }.joined().utf8)

    private static let dynamicPiece = """
        78da14d1c911c0300cc3c0565882754bfd3716e49787a301679fce4e1baba9514fabae5496ca0845b97c4c764ff64ebeba1c\
        6db7664bf352eda14a57b629f6c98f67b6b21855eba6b4975a0b4db8ba4c354fb9a77cabf09167cb9a77a9d0b9f3619a7ee4\
        1c394bce90d3e41439494ec8cc15a6ab47ce91c382c702674116391c5b163c16380bf2718a9c258705c6822872929c501e0b\
        8c05c1823c7278c73572feae2427d44bffa3dfe98f2367c91972e8b7522439c17fae3916180b9c05b9e40c392c782c701624\
        e75cb72c782cc06030680c0a83c42031080c1c039bff9de847601118041a8146a0104804020147c010300400380416814160\
        1068040a8144201008041c0143008043e01e0b30180c1a83c22031480c0203c7c030f8091800c1070000ffff
        """
    private static let nextPiece = """
        32184d4244272100000000ffff
        """
    private static let fixedPiece = """
        78013250b034b454b030b650303735573033375330b534553035345130313656303635523032375430b434503034b05430b2\
        50b0343157b030335330b73005000000ffff
        """

    @Test func theDictionaryIsSPDYs() {
        #expect(SPDYDictionary.bytes.count == 1_423)
        #expect(Adler32.of(SPDYDictionary.bytes) == 0xE3C6_A7C2)
    }

    @Test func readsCodesOfAllKinds() throws {
        var inflater = Inflater(dictionary: [])
        #expect(try inflater.inflate(bytes(Self.dynamicPiece)[...], limit: 1 << 16) == Self.numbers)
        // The next piece leans on the one before.
        #expect(try inflater.inflate(bytes(Self.nextPiece)[...], limit: 1 << 16) == Array(Self.numbers.prefix(300)))
        var other = Inflater(dictionary: [])
        #expect(try other.inflate(bytes(Self.fixedPiece)[...], limit: 60) == Array(Self.numbers.prefix(60)))
        var third = Inflater(dictionary: [])
        #expect(try third.inflate([0x78, 1, 0, 2, 0, 0xFD, 0xFF, 7, 9], limit: 2) == [7, 9])
    }

    @Test func aBombIsStopped() throws {
        // A zero, then matches of 258 more: a thousandfold.
        let bomb = try bytes("78daecc101010000008220ffaf6e484001") + [UInt8](repeating: 0, count: 900)
        var inflater = Inflater(dictionary: [])
        #expect(throws: SPDYError.compression("a header block is over 65536 bytes when unpacked")) {
            try inflater.inflate(bomb[...], limit: 1 << 16)
        }
    }

    /// No zlib, cut short, another checksum, another dictionary, the stream's last block, no such type, lengths that differ, a stored block cut
    /// short, a distance before the beginning, too many code words.
    @Test(arguments: [
        "7a01", "79", "780100", "7800000000ffff", "78f9e3c6a7c3", "7801010000ffff", "780106", "78010001000000",
        "7801000200fdff07", "780102deff0f", "780104e093244992244992000000",
    ])
    func whatIsMalformedIsRefused(_ text: String) throws {
        var inflater = Inflater(dictionary: SPDYDictionary.bytes)
        let piece = try bytes(text)
        #expect(throws: SPDYError.self) { try inflater.inflate(piece[...], limit: 100) }
    }

    @Test(arguments: 1...20) func noBytesEndTheProcess(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let whole = try bytes(Self.dynamicPiece)
        for _ in 0..<100 {
            var piece = whole
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                piece[Int.random(in: 2..<piece.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            var inflater = Inflater(dictionary: [])
            if let read = try? inflater.inflate(piece[...], limit: 1 << 12) { #expect(read.count <= 1 << 12) }
        }
    }
}

/// The bytes of hexadecimal text.
func bytes(_ text: String) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var digits = text.filter(\.isHexDigit)[...]
    while !digits.isEmpty {
        bytes.append(try #require(UInt8(digits.prefix(2), radix: 16)))
        digits = digits.dropFirst(2)
    }
    return bytes
}
