import Testing

@testable import Linux

@Suite struct NetlinkAttributesTests {
    @Test func readsByType() {
        let bytes: [UInt8] = [8, 0, 1, 0, 10, 42, 0, 7, 7, 0, 2, 0, 0x6c, 0x6f, 0, 0]
        let attributes = NetlinkAttributes(bytes[...])
        #expect(attributes.address(1) == IPv4Address(10, 42, 0, 7))
        #expect(attributes.bigEndian(1) == 0x0a2a_0007)
        #expect(attributes.string(2) == "lo")
        #expect(attributes[3] == nil)
    }

    @Test func readsNestsWhoseFlagIsSet() {
        let bytes: [UInt8] = [12, 0, 1, 0x80, 8, 0, 5, 0, 1, 0, 0, 0]
        #expect(NetlinkAttributes(bytes[...]).nested(1)?.uint32(5) == 1)
    }

    @Test(arguments: [[], [4], [3, 0, 1, 0], [255, 0, 1, 0, 1], [0, 0, 0, 0]] as [[UInt8]])
    func leavesOutWhatIsMalformed(bytes: [UInt8]) {
        #expect(NetlinkAttributes(bytes[...])[1] == nil)
    }

    @Test func aRequestThatDoesNotFitSaysSo() {
        var request = NetlinkRequest(type: 16, flags: 0, UInt32(0))
        request.put(1, Array(repeating: 0, count: 4000))
        let fits = !request.isTooLong
        #expect(fits)
        request.put(1, Array(repeating: 0, count: 200))
        let isTooLong = request.isTooLong
        #expect(isTooLong)
    }
}
