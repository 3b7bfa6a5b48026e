import APIMachinery
import JSONTree
import Testing

@Suite struct ValueTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-11-22T20:15:00Z", 1_795_378_500),
        ("2000-02-29T12:00:00+02:00", 951_818_400),
        ("1969-12-31T23:59:59Z", -1), ("9999-12-31T23:59:59Z", 253_402_300_799),
        ("0001-01-01T00:00:00Z", -62_135_596_800),
    ]) func timestampsRead(pair: (String, Int64)) throws {
        let moment = try #require(Timestamp(pair.0))
        #expect(moment.seconds == pair.1)
        #expect(Timestamp(moment.description) == moment)
        if pair.0.hasSuffix("Z") { #expect(moment.description == pair.0) }
    }

    @Test(arguments: [
        "", "2026-11-22", "2026-11-22 20:15:00Z", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T20:15:60Z", "2026-11-22T20:15:00", "2026-11-22T20:15:00.Z", "2026-11-22T20:15:00+1:00", "x",
        "2026-00-10T00:00:00Z", "2026-11-00T00:00:00Z", "2026-11-22T20:15:00Zx",
    ]) func timestampsRefuse(text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test func everyDayOfSomeCenturiesPrintsAndReadsBack() {
        for day in stride(from: Int64(-150_000), to: 150_000, by: 37) {
            let moment = Timestamp(seconds: day * 86_400 + 3_661)
            #expect(Timestamp(moment.description) == moment)
        }
    }

    @Test func timestampsHaveNanoseconds() throws {
        let moment = try #require(Timestamp("2026-11-22T20:15:00.123456789Z"))
        #expect(moment.nanoseconds == 123_456_789)
        #expect(moment.text(fractionDigits: 6) == "2026-11-22T20:15:00.123456Z")
        #expect(MicroTime(moment).json == "2026-11-22T20:15:00.123456Z")
        #expect(moment.json == "2026-11-22T20:15:00Z")
        #expect(moment + .milliseconds(900) - moment == .milliseconds(900))
        #expect(Timestamp(seconds: 0, nanoseconds: -1) == Timestamp(seconds: -1, nanoseconds: 999_999_999))
        #expect(Timestamp(seconds: .max).description.hasSuffix("Z"))
        #expect(Timestamp(seconds: .min).description.hasSuffix("Z"))
    }

    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ])
    func bytesAreBase64(pair: (String, String)) {
        #expect(Bytes(pair.0.utf8).base64 == pair.1)
        #expect(Bytes(base64: pair.1) == Bytes(pair.0.utf8))
    }

    @Test(arguments: ["Z", "Zg", "Zg=", "Zg===", "====", "Zg==Zg==", "Z-==", "Zm9v=", "=Zm9"]) func bytesRefuse(
        text: String
    ) {
        #expect(Bytes(base64: text) == nil)
    }

    @Test func wrongTypesReadAsNothing() {
        #expect(Bool(json: "true") == nil)
        #expect(Int32(json: .integer(1 << 40)) == nil)
        #expect(Int32(json: .number("1.0")) == nil)
        #expect([String](json: ["a", 1]) == nil)
        #expect([String: String](json: ["a": 1]) == nil)
        #expect(IntOrString(json: .integer(1 << 40)) == nil)
        #expect(IntOrString(json: true) == nil)
        #expect(Double(json: .number("1e400")) == nil)
    }

    @Test func percentagesScale() {
        #expect(IntOrString.string("25%").scaled(to: 10, roundingUp: true) == 3)
        #expect(IntOrString.string("25%").scaled(to: 10, roundingUp: false) == 2)
        #expect(IntOrString.integer(4).scaled(to: 10, roundingUp: false) == 4)
        #expect(IntOrString.string("x").scaled(to: 10, roundingUp: false) == nil)
        #expect(IntOrString.string("2147483647%").scaled(to: .max, roundingUp: true) == .max)
    }
}
