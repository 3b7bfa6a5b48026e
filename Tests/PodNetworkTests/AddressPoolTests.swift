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
        let more = pool.allocate(for: "one too many")
        #expect(more == nil)
    }

    @Test func isIdempotentBySandbox() throws {
        var pool = try pool()
        let first = pool.allocate(for: "a")
        let second = pool.allocate(for: "a")
        #expect(first == second)
        #expect(pool.addresses.count == 1)
    }

    @Test func letsAFreedAddressRest() throws {
        var pool = try pool()
        let first = pool.allocate(for: "a")
        pool.release("a")
        let next = pool.allocate(for: "b")
        #expect(next != first)
    }

    @Test func wrapsAround() throws {
        var pool = try pool()
        for number in 0..<5 { _ = pool.allocate(for: "s\(number)") }
        pool.release("s1")
        let again = pool.allocate(for: "again")
        #expect(again?.description == "10.42.0.3")
    }

    @Test func adoptsOnlyWhatFits() throws {
        var pool = try pool()
        let adopted1 = pool.adopt("a", IPv4Address(10, 42, 0, 4))
        #expect(adopted1)
        let adopted2 = pool.adopt("b", IPv4Address(10, 42, 0, 4))
        #expect(!adopted2)
        let adopted3 = pool.adopt("a", IPv4Address(10, 42, 0, 5))
        #expect(!adopted3)
        let adopted4 = pool.adopt("c", IPv4Address(10, 42, 0, 1))
        #expect(!adopted4)
        let adopted5 = pool.adopt("c", IPv4Address(10, 42, 1, 2))
        #expect(!adopted5)
        let known = pool.allocate(for: "a")
        #expect(known == IPv4Address(10, 42, 0, 4))
    }
}
