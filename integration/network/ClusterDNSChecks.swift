import ClusterDNS
import Linux
import Logging
import NIOPosix

/// A query for an address, as a client's library sends it.
private func query(_ name: String) -> [UInt8] {
    var bytes: [UInt8] = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    for label in name.split(separator: ".") { bytes += [UInt8(label.utf8.count)] + Array(label.utf8) }
    return bytes + [0, 0, 1, 0, 1]
}

/// Names as a pod sees them, from a server on the node's address.
func checkClusterDNS(_ scene: Scene, _ checks: Checks) async throws {
    let network = try scene.makeNetwork()
    try await network.prepare()
    _ = try await scene.attach(network, "a")
    guard let domain = DNSName("cluster.local") else { throw Failure("constants") }
    let server = ClusterDNS(
        domain: domain, group: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "check"),
        upstream: { UpstreamServers([]) })
    try await server.start(on: network.configuration.gateway)
    let address = IPv4Address(10, 43, 0, 7)
    server.set(
        ServiceNames(namespace: "default", name: "web", kind: .cluster(address, ports: [])), namespace: "default",
        name: "web")
    let client = try DatagramClient(from: scene.pod("a"), to: network.configuration.gateway, 53)
    let answer = client.exchange(query("web.default.svc.cluster.local"))
    checks.expect("a pod finds a service by its name", answer.suffix(4).elementsEqual(address.bytes), "\(answer)")
    let missing = client.exchange(query("none.default.svc.cluster.local"))
    checks.expect("and learns that there is none", missing.count > 12 && missing[3] & 0xf == 3, "\(missing)")
    await server.stop()
    try await network.detach(sandbox: "sandbox-a")
}
