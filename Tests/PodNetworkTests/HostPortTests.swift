import Linux
import Testing

@testable import PodNetwork

@Suite struct HostPortTests {
    private let kernel = MemoryNFTables()
    private var table = HostPortTable()
    private let web = HostPort(transport: .tcp, port: 8080, podPort: 80)
    private let bound = HostPort(transport: .udp, address: IPv4Address(192, 0, 2, 1), port: 53, podPort: 5353)

    init() throws {
        try kernel.apply(base)
    }

    private var base: NFTables.Transaction {
        get throws {
            let configuration = PodNetworkConfiguration(
                instance: try #require(InstanceName("ab")), podNetwork: try #require(IPv4Network("10.42.0.0/24")),
                clusterNetwork: try #require(IPv4Network("10.42.0.0/16")),
                serviceNetwork: try #require(IPv4Network("10.43.0.0/16")), stateDirectory: "/nowhere")
            return PodRules(configuration: configuration, hostPorts: table).transaction
        }
    }

    private func address(_ last: UInt8) -> IPv4Address { IPv4Address(10, 42, 0, last) }

    private mutating func take(_ sandbox: String, _ last: UInt8, _ ports: HostPort...) throws {
        try kernel.apply(table.take(sandbox, address(last), ports, table: "swiftlet-ab"))
    }

    private mutating func release(_ sandbox: String) throws {
        try kernel.apply(table.release(sandbox, table: "swiftlet-ab"))
    }

    /// The lines of the ruleset that hold elements.
    private var elements: [String] {
        (kernel.ruleset(of: "swiftlet-ab") ?? "").split(separator: "\n").map(String.init).filter {
            $0.contains("10.42.0.") && !$0.contains("10.42.0.1") && !$0.contains("10.42.0.0")
        }
    }

    @Test mutating func portsComeAndGoWithTheirPod() throws {
        try take("a", 2, web, bound)
        let text = elements.joined(separator: " ")
        #expect(text.contains("tcp . 8080 : 10.42.0.2 . 80"))
        #expect(text.contains("192.0.2.1 . udp . 53 : 10.42.0.2 . 5353"))
        #expect(text.contains("10.42.0.2 . 10.42.0.2"))
        // The same again changes nothing.
        #expect(table.take("a", address(2), [web], table: "t").operations.isEmpty)
        try release("a")
        #expect(elements.isEmpty)
        #expect(table.release("a", table: "t").operations.isEmpty)
    }

    @Test mutating func thePodThatCameFirstHasThePort() throws {
        try take("a", 2, web)
        try take("b", 3, web)
        #expect(elements.joined().contains("tcp . 8080 : 10.42.0.2 . 80"))
        try release("a")
        #expect(elements.joined().contains("tcp . 8080 : 10.42.0.3 . 80"))
        try release("b")
        #expect(elements.isEmpty)
    }

    @Test mutating func aPodThatNamesAPortTwiceLeavesNothing() throws {
        try take("a", 2, web, web)
        try release("a")
        #expect(elements.isEmpty)
        try take("b", 3, web)
        #expect(elements.joined().contains("10.42.0.3 . 80"))
    }

    @Test mutating func aTableMadeAnewHasThemAll() throws {
        try take("a", 2, web, bound)
        try take("b", 3, web)
        let before = kernel.ruleset(of: "swiftlet-ab")
        try kernel.apply(base)
        #expect(kernel.ruleset(of: "swiftlet-ab") == before)
    }

    @Test mutating func flowsThatStayOnAFormerPodAreStale() throws {
        func flow(to last: UInt8, port: UInt16 = 53, transport: TransportProtocol = .udp) -> TrackedConnection {
            TrackedConnection(
                transport: transport.rawValue, source: IPv4Address(192, 0, 2, 9),
                destination: IPv4Address(192, 0, 2, 1),
                destinationPort: port, replySource: address(last), replySourcePort: 5353)
        }
        try take("b", 3, bound)
        #expect(table.isStale(flow(to: 2), concerning: [bound]))
        #expect(!table.isStale(flow(to: 3), concerning: [bound]))
        #expect(!table.isStale(flow(to: 2, port: 54), concerning: [bound]))
        #expect(!table.isStale(flow(to: 2, transport: .tcp), concerning: [bound]))
        try release("b")
        #expect(table.isStale(flow(to: 3), concerning: [bound]))
    }

    @Test mutating func whoHasAPortIsKnown() throws {
        try take("a", 2, web, bound)
        #expect(table.holder(of: web) == "a")
        let beside = HostPort(transport: .tcp, address: IPv4Address(192, 0, 2, 1), port: 8080, podPort: 1)
        #expect(table.holder(of: beside) == "a")
        #expect(table.holder(of: HostPort(transport: .udp, port: 53, podPort: 1)) == "a")
        let other = HostPort(transport: .udp, address: IPv4Address(192, 0, 2, 2), port: 53, podPort: 1)
        #expect(table.holder(of: other) == nil)
        #expect(table.holder(of: HostPort(transport: .udp, port: 8080, podPort: 80)) == nil)
        try release("a")
        #expect(table.holder(of: web) == nil)
    }

    @Test func theyAreWrittenAsText() {
        for port in [web, bound] { #expect(HostPort(port.description) == port) }
        for text in ["", "tcp", "tcp * 80", "icmp * 1 2", "tcp x 1 2", "tcp * 70000 1", "tcp * 1 2 3"] {
            #expect(HostPort(text) == nil)
        }
    }
}
