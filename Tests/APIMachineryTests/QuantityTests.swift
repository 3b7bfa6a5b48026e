import APIMachinery
import Testing

@Suite struct QuantityTests {
    @Test(arguments: [
        ("0", "0"), ("1", "1"), ("1000m", "1"), ("0.5", "500m"), ("1500m", "1500m"), ("1.5", "1500m"), ("100", "100"),
        ("1000", "1k"), ("1k", "1k"), ("9E", "9E"), ("12E", "9223372036854775807"), ("12e6", "12e6"), ("12E6", "12e6"),
        ("1e3", "1e3"),
        ("1024Ki", "1Mi"),
        ("1Gi", "1Gi"), ("1.5Gi", "1536Mi"), ("512", "512"), ("0.5Ki", "512"), ("0.1Gi", "107374182400m"),
        ("-1Mi", "-1Mi"),
        ("+3", "3"), (".5", "500m"), ("5.", "5"), ("1n", "1n"), ("0.1n", "1n"), ("1u", "1u"), ("-0.1n", "-1n"),
        ("9223372036854775807", "9223372036854775807"), ("100E", "9223372036854775807"), ("8Ei", "9223372036854775807"),
        ("1e200", "9223372036854775807"), ("0.000000000000000000000000000000000000001", "1n"), ("0Mi", "0"),
        ("1e-3", "1e-3"),
    ]) func readsAndPrints(pair: (String, String)) throws {
        let quantity = try #require(Quantity(pair.0))
        #expect(quantity.description == pair.1)
        #expect(Quantity(quantity.description) == quantity)
    }

    @Test(arguments: [
        "", " ", "a", "1x", "1mi", "1KI", "1 Mi", "--1", "1.2.3", "e3", "Mi", ".", "1e", "1e1.5", "0x10", "1e+-3",
    ])
    func refuses(text: String) {
        #expect(Quantity(text) == nil)
    }

    @Test func accessorsRoundUp() {
        #expect(Quantity("1m")?.value == 1)
        #expect(Quantity("-1m")?.value == -1)
        #expect(Quantity("1n")?.milliValue == 1)
        #expect(Quantity("250m")?.milliValue == 250)
        #expect(Quantity("9223372036854775807")?.milliValue == .max)
        #expect(Quantity("128Mi")?.value == 134_217_728)
    }

    @Test func arithmeticHoldsAtItsLimits() throws {
        let most = Quantity(Int64.max)
        #expect(most + most == most)
        let least = Quantity.zero - most
        #expect(least - most == least)
        #expect(try #require(Quantity("1Gi")) - #require(Quantity("1Mi")) == #require(Quantity("1023Mi")))
        #expect((Quantity.zero + Quantity(1 << 30, format: .binary)).description == "1Gi")
    }

    @Test func comparesByAmount() throws {
        #expect(try #require(Quantity("1")) == #require(Quantity("1000m")))
        #expect(try #require(Quantity("1Ki")) > #require(Quantity("1k")))
        #expect(Quantity(json: 2) == Quantity("2"))
        #expect(Quantity(json: true) == nil)
    }
}
