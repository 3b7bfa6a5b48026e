import CRI
import Glibc
import Linux
import PodNetwork
import Testing

@testable import Daemon

@Suite struct PortClaimTests {
    private static let loopback = IPv4Address(127, 0, 0, 1)

    /// A port of loopback that this process has while `body` runs.
    private func withPort(_ transport: TransportProtocol, _ body: (UInt16) -> Void) throws {
        let type = Int32((transport == .tcp ? SOCK_STREAM : SOCK_DGRAM).rawValue)
        let descriptor = socket(AF_INET, type, 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = Self.loopback.value.bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 ? getsockname(descriptor, $0, &size) : -1
            }
        }
        try #require(status == 0)
        if transport == .tcp { try #require(listen(descriptor, 1) == 0) }
        body(UInt16(bigEndian: address.sin_port))
    }

    private func claim(_ transport: TransportProtocol, _ address: IPv4Address?, _ port: UInt16) -> PortClaim {
        PortClaim(port: HostPort(transport: transport, address: address, port: port, podPort: 80))
    }

    @Test(arguments: [TransportProtocol.tcp, .udp]) func aPortInUseIsSeen(_ transport: TransportProtocol) throws {
        try withPort(transport) { port in
            #expect(claim(transport, nil, port).process() == .process)
            #expect(claim(transport, Self.loopback, port).process() == .process)
            #expect(claim(transport, IPv4Address(127, 0, 0, 2), port).process() == nil)
            #expect(claim(.sctp, nil, port).process() == nil)
        }
    }

    @Test func theHolderIsNamed() {
        let claim = claim(.tcp, IPv4Address(192, 0, 2, 1), 6_443)
        let pod = PodSandboxMetadata(name: "web", uid: "u", namespace: "default")
        let port = "port 6443/tcp of this machine"
        let refusals: [PortClaim.Holder: String] = [
            .process: "\(port) is in use by another process; choose another",
            .container(pod, isSession: true): "\(port) is published by container web already; choose another",
            .container(pod, isSession: false): "\(port) is published by pod default/web already; choose another",
            .service("default/db"): "\(port) is the node port of service default/db; choose another",
            .nobody(code: EADDRNOTAVAIL): "\(port) cannot be published on 192.0.2.1: no interface has this address",
        ]
        for (holder, text) in refusals { #expect(claim.refusal(holder) == .invalid(text)) }
    }
}
