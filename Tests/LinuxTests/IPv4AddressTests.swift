import Linux
import Testing

@Suite struct IPv4AddressTests {
    @Test func readsDottedDecimal() {
        #expect(IPv4Address("10.42.0.255") == IPv4Address(10, 42, 0, 255))
        #expect(IPv4Address("0.0.0.0")?.value == 0)
        #expect(IPv4Address("255.255.255.255")?.description == "255.255.255.255")
    }

    @Test(arguments: [
        "", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1..2.3", " 1.2.3.4", "1.2.3.4 ", "a.b.c.d", "-1.2.3.4",
    ])
    func refusesAnythingElse(text: String) {
        #expect(IPv4Address(text) == nil)
    }

    @Test func networksHoldTheirAddresses() throws {
        let network = try #require(IPv4Network("10.42.4.0/22"))
        #expect(network.contains(IPv4Address(10, 42, 7, 255)))
        #expect(!network.contains(IPv4Address(10, 42, 8, 0)))
        #expect(network.last == IPv4Address(10, 42, 7, 255))
        #expect(network.description == "10.42.4.0/22")
        let everything = try #require(IPv4Network("0.0.0.0/0"))
        #expect(everything.contains(IPv4Address(255, 255, 255, 255)))
    }

    @Test(arguments: [
        "10.42.0.0", "10.42.0.1/24", "10.42.0.0/33", "10.42.0.0/-1", "10.0.0.0/+8", "10.42.0.0/024", "/24",
        "10.42.0.0/",
    ])
    func refusesNetworksWithHostBitsAndNonsense(text: String) {
        #expect(IPv4Network(text) == nil)
    }
}
