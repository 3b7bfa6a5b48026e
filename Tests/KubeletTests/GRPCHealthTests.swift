import Kubelet
import Testing

@Suite struct GRPCHealthTests {
    private func failure(_ body: [UInt8], status: Int = 0) -> String? {
        GRPCHealth.failure(GRPCAnswer(status: status, message: "m", body: body))
    }

    @Test func theRequestNamesTheService() {
        #expect(GRPCHealth.request("") == [])
        #expect(GRPCHealth.request("ab") == [0x0a, 2, 0x61, 0x62])
        #expect(GRPCHealth.request(String(repeating: "x", count: 300)).prefix(3) == [0x0a, 0xac, 2])
    }

    @Test func onlyServingIsHealthy() {
        #expect(failure([8, 1]) == nil)
        // A field that this version does not know stands before it.
        #expect(failure([0x12, 2, 9, 9, 8, 1]) == nil)
        #expect(failure([8, 2])?.contains("NOT_SERVING") == true)
        #expect(failure([])?.contains("UNKNOWN") == true)
        #expect(failure([8, 77])?.contains("77") == true)
        #expect(failure([8, 1], status: 12)?.contains("does not implement") == true)
        #expect(failure([8, 1], status: 14)?.contains("status 14: m") == true)
    }

    @Test(arguments: [[8], [8, 0x80], [0x12, 200, 1], [0x0b], [0x0d, 1], [UInt8](repeating: 0xff, count: 12)])
    func whatIsNoMessageIsNotHealthy(_ bytes: [UInt8]) {
        #expect(failure(bytes) == "the answer is no HealthCheckResponse")
    }
}
