import Linux
import Testing

@testable import PodNetwork

@Suite struct AddressPoolTests {
    private func pool(_ text: String = "10.42.0.0/29") throws -> AddressPool {
        AddressPool(network: try #require(IPv4Network(text)))
    }

    @Test func givesEveryUsableAddressOnce() throws {
        var pool = try pool()
        let given = (0..<5).compactMap { pool.allocate(for: "s\($0)")?.description }
        #expect(given == ["10.42.0.2", "10.42.0.3", "10.42.0.4", "10.42.0.5", "10.42.0.6"])
        #expect(pool.allocate(for: "one too many") == nil)
    }

    @Test func isIdempotentBySandbox() throws {
        var pool = try pool()
        #expect(pool.allocate(for: "a") == pool.allocate(for: "a"))
        #expect(pool.addresses.count == 1)
    }

    @Test func letsAFreedAddressRest() throws {
        var pool = try pool()
        let first = pool.allocate(for: "a")
        pool.release("a")
        #expect(pool.allocate(for: "b") != first)
    }

    @Test func wrapsAround() throws {
        var pool = try pool()
        for number in 0..<5 { _ = pool.allocate(for: "s\(number)") }
        pool.release("s1")
        #expect(pool.allocate(for: "again")?.description == "10.42.0.3")
    }

    @Test func adoptsOnlyWhatFits() throws {
        var pool = try pool()
        #expect(pool.adopt("a", IPv4Address(10, 42, 0, 4)))
        #expect(!pool.adopt("b", IPv4Address(10, 42, 0, 4)))
        #expect(!pool.adopt("a", IPv4Address(10, 42, 0, 5)))
        #expect(!pool.adopt("c", IPv4Address(10, 42, 0, 1)))
        #expect(!pool.adopt("c", IPv4Address(10, 42, 1, 2)))
        #expect(pool.allocate(for: "a") == IPv4Address(10, 42, 0, 4))
    }
}
