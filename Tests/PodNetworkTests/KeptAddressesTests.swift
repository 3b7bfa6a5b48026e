import Glibc
import Linux
import TestSupport
import Testing

@testable import PodNetwork

@Suite struct KeptAddressesTests {
    private let held = [AddressDirectory.Held(sandbox: "a", address: IPv4Address(10, 42, 1, 5))]

    private func keep(
        _ held: [AddressDirectory.Held], from network: String?, in pods: String, links: [String]
    ) throws -> KeptAddresses {
        let pods = try #require(IPv4Network(pods))
        let configuration = PodNetworkConfiguration(
            instance: try #require(InstanceName("ab")), podNetwork: pods, clusterNetwork: pods,
            serviceNetwork: try #require(IPv4Network("10.43.0.0/16")), stateDirectory: "/nowhere")
        return try KeptAddresses(
            held, in: network.flatMap { IPv4Network($0) }, configuration: configuration, links: links)
    }

    /// Also where a network of another size begins at the same address: the gateway and the links' names are the same.
    @Test(arguments: [("10.42.0.0/16", "10.42.0.0/16"), ("10.42.0.0/16", "10.42.0.0/20"), (nil, "10.42.0.0/16")])
    func addressesOfTheSameNetworkAreKept(_ before: String?, _ now: String) throws {
        let kept = try keep(held, from: before, in: now, links: ["sw-ab-p105"])
        #expect(kept.pool.addresses == ["a": IPv4Address(10, 42, 1, 5)])
        #expect(kept.former.isEmpty)
    }

    @Test(arguments: [
        ("10.42.1.0/24", "10.99.0.0/24", "sw-ab-p5"), ("10.42.0.0/16", "10.99.0.0/24", "sw-ab-p105"),
        ("10.42.0.0/16", "10.42.0.0/24", "sw-ab-p105"), ("10.42.0.0/16", "10.42.1.0/24", "sw-ab-p105"),
    ])
    func aPodThatRunsHoldsItsNetwork(_ before: String, _ now: String, _ link: String) throws {
        let error = #expect(throws: PodNetworkError.self) {
            try keep(held, from: before, in: now, links: ["lo", link])
        }
        let text = error?.description ?? ""
        #expect(text.contains(now) && text.contains("pod-cidr=\(before)") && text.contains("uninstall --keep-data"))
        // Another instance's link, and one of another pod's.
        let kept = try keep(held, from: before, in: now, links: ["sw-cd-p5", "sw-cd-p105", "sw-ab-n", "sw-ab-p6"])
        #expect(kept.pool.addresses.isEmpty)
        #expect(kept.former.map(\.sandbox) == ["a"])
    }

    @Test func soItDoesWhereTheFormerNetworkIsNotKnown() throws {
        let error = #expect(throws: PodNetworkError.self) {
            try keep(held, from: nil, in: "10.99.0.0/24", links: ["sw-ab-p5"])
        }
        #expect(error?.description.contains("10.42.1.5") == true)
        #expect(try keep(held, from: nil, in: "10.99.0.0/24", links: ["sw-ab-p6"]).former.count == 1)
    }

    @Test func theNetworkIsKeptBesideTheAddresses() throws {
        var template = Array("\(temporaryDirectory)/swiftlet-addresses-XXXXXX".utf8CString)
        let root = try #require(mkdtemp(&template).map { String(cString: $0) })
        let directory = try AddressDirectory(path: "\(root)/a")
        #expect(try directory.podNetwork() == nil)
        let network = try #require(IPv4Network("10.42.0.0/24"))
        try directory.write(podNetwork: network)
        try directory.write(.init(sandbox: "a", address: IPv4Address(10, 42, 0, 5)))
        #expect(try directory.podNetwork() == network)
        #expect(try directory.load().map(\.sandbox) == ["a"])
        try directory.clear()
        #expect(rmdir("\(root)/a") == 0 && rmdir(root) == 0)
    }
}
