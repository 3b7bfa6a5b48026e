import KubeProxy
import Linux
import Logging
import PodNetwork

private func name(_ service: String) -> ProxiedPortName {
    ProxiedPortName(namespace: "default", service: service, port: "")
}

private func port(_ last: UInt8, _ endpoints: [PodAddress], nodePort: UInt16? = nil) -> ProxiedPort {
    var port = ProxiedPort(transport: .tcp, port: 80, clusterAddress: IPv4Address(10, 43, 0, last))
    port.endpoints = endpoints.map { ProxiedEndpoint($0.address, 8080) }
    port.nodePort = nodePort
    return port
}

/// The names of the servers that answer within some connections.
private func answers(from namespace: String, _ address: IPv4Address, _ port: UInt16, _ times: Int = 24) throws -> Set<
    String
> {
    var seen: Set<String> = []
    for _ in 0..<times {
        let answer = try ask(from: namespace, address, port)
        seen.insert(answer.split(separator: " ").first.map(String.init) ?? "")
    }
    return seen
}

/// Services by cluster address, node port and external address, changes, affinity, refusal and removal.
func checkKubeProxy(_ scene: Scene, _ checks: Checks) async throws {
    let network = try scene.makeNetwork()
    try await network.prepare()
    let a = try await scene.attach(network, "a")
    let b = try await scene.attach(network, "b")
    let c = try await scene.attach(network, "c")
    try serve("c", in: scene.pod("c"), port: 8080)
    let configuration = network.configuration
    let backend = CheckedNFTables(file: "\(scene.state)/rules.nft")
    let proxy = KubeProxy(
        table: configuration.instance.serviceTable, serviceNetwork: configuration.serviceNetwork,
        clusterNetwork: configuration.clusterNetwork, backend: backend,
        connections: ConnectionTable(), logger: Logger(label: "check"))
    var web = port(7, [a, b], nodePort: 30080)
    web.externalAddresses = [IPv4Address(203, 0, 113, 7)]
    try await proxy.update([name("web"): web, name("empty"): port(8, [], nodePort: 30081)])
    let address = IPv4Address(10, 43, 0, 7)

    checks.expect("pod to service reaches both", try answers(from: scene.pod("c"), address, 80) == ["a", "b"])
    checks.expect("host to service reaches both", try answers(from: scene.host, address, 80) == ["a", "b"])
    try await proxy.update([
        name("web"): {
            var one = web
            one.endpoints.removeLast()
            return one
        }()
    ])
    checks.expect("pod to service keeps its source", try ask(from: scene.pod("c"), address, 80), "a \(c.address)")
    checks.expect("host to service", try ask(from: scene.host, address, 80), "a \(a.gateway)")
    let itself = try ask(from: scene.pod("a"), address, 80)
    checks.expect("pod to itself by its service", ["a \(a.gateway)", "a \(Scene.uplink)"].contains(itself), itself)
    checks.expect("outside to node port", try ask(from: scene.out, Scene.uplink, 30080), "a \(Scene.outside)")
    checks.expect("host to node port", try ask(from: scene.host, Scene.uplink, 30080), "a \(Scene.uplink)")
    checks.expect("pod to node port", try ask(from: scene.pod("c"), c.gateway, 30080), "a \(c.address)")
    checks.expect(
        "outside to external address", try ask(from: scene.out, IPv4Address(203, 0, 113, 7), 80), "a 192.0.2.2")
    checks.expect(
        "service without endpoints, from a pod", try ask(from: scene.pod("c"), IPv4Address(10, 43, 0, 8), 80), "refused"
    )
    checks.expect(
        "service without endpoints, from the host", try ask(from: scene.host, IPv4Address(10, 43, 0, 8), 80), "refused")
    checks.expect("node port without endpoints", try ask(from: scene.out, Scene.uplink, 30081), "refused")
    checks.expect("unused service address", try ask(from: scene.pod("c"), IPv4Address(10, 43, 9, 9), 80), "refused")
    checks.expect("another port of a service", try ask(from: scene.pod("c"), address, 81), "refused")
    try KernelNFTables().apply(.init(table: configuration.instance.serviceTable, [.deleteTable]))
    try await proxy.restoreIfMissing()
    checks.expect("a table that others deleted comes back", try ask(from: scene.host, address, 80), "a \(a.gateway)")
    try await checkFlows(scene, checks, proxy, backend, [a, b])
    try await checkAffinity(scene, checks, proxy, [a, b, c])
    try await checkLocalPolicy(scene, checks, proxy, elsewhere: a, gateway: c.gateway)
    try await proxy.update([name("web"): nil])
    checks.expect("a deleted service is refused", try ask(from: scene.pod("c"), address, 80), "refused")
    try PodNetwork.removeAll(instance: configuration.instance, stateDirectory: configuration.stateDirectory)
    let left = try PodNetwork.owned(instance: configuration.instance)
    checks.expect("removal leaves no rules", left.isEmpty, "\(left)")
}

private func checkAffinity(
    _ scene: Scene, _ checks: Checks, _ proxy: KubeProxy, _ pods: [PodAddress]
) async throws {
    let names = ["a", "b", "c"]
    var sticky = port(9, pods, nodePort: 30082)
    sticky.affinitySeconds = 60
    try await proxy.update([name("sticky"): sticky])
    let address = IPv4Address(10, 43, 0, 9)
    let first = try answers(from: scene.pod("c"), address, 80)
    checks.expect("a client stays with its endpoint", first.count == 1 && first.isSubset(of: names), "\(first)")
    let atNode = try answers(from: scene.out, Scene.uplink, 30082)
    checks.expect("and at the node port", atNode.count == 1, "\(atNode)")
    for (place, before) in [("cluster address", first), ("node port", atNode)] {
        var rest = sticky
        rest.endpoints = zip(names, sticky.endpoints).filter { !before.contains($0.0) }.map(\.1)
        try await proxy.update([name("sticky"): rest])
        let after =
            place == "node port"
            ? try answers(from: scene.out, Scene.uplink, 30082) : try answers(from: scene.pod("c"), address, 80)
        checks.expect(
            "at the \(place) until that is gone, and with one other from then on",
            after.count == 1 && after.isDisjoint(with: before), "\(before) then \(after)")
        try await proxy.update([name("sticky"): sticky])
    }
    try await proxy.update([name("sticky"): nil])
}

/// Where outside traffic stays on this node, and the endpoint is on another.
private func checkLocalPolicy(
    _ scene: Scene, _ checks: Checks, _ proxy: KubeProxy, elsewhere: PodAddress, gateway: IPv4Address
) async throws {
    let external = IPv4Address(203, 0, 113, 8)
    var local = port(11, [], nodePort: 30083)
    local.endpoints = [ProxiedEndpoint(elsewhere.address, 8080, isLocal: false)]
    local.externalAddresses = [external]
    local.staysLocalOutside = true
    try await proxy.update([name("local"): local])
    checks.expect("no local endpoint, outside to node port", try ask(from: scene.out, Scene.uplink, 30083), "refused")
    checks.expect("no local endpoint, outside to external address", try ask(from: scene.out, external, 80), "refused")
    for (client, namespace) in [("pod", scene.pod("c")), ("host", scene.host)] {
        let port = try answers(from: namespace, client == "pod" ? gateway : Scene.uplink, 30083, 1)
        checks.expect("no local endpoint, \(client) to node port", port == ["a"], "\(port)")
        let address = try answers(from: namespace, external, 80, 1)
        checks.expect("no local endpoint, \(client) to external address", address == ["a"], "\(address)")
    }
    try await proxy.update([name("local"): nil])
}

/// A UDP client that keeps its port follows its service to another endpoint.
private func checkFlows(
    _ scene: Scene, _ checks: Checks, _ proxy: KubeProxy, _ backend: CheckedNFTables, _ pods: [PodAddress]
) async throws {
    for name in ["a", "b"] { try serve(name, in: scene.pod(name), port: 5353, udp: true) }
    let address = IPv4Address(10, 43, 0, 10)
    var names = ProxiedPort(transport: .udp, port: 53, clusterAddress: address)
    names.endpoints = [ProxiedEndpoint(pods[0].address, 5353)]
    try await proxy.update([name("names"): names])
    let client = try DatagramClient(from: scene.pod("c"), to: address, 53)
    let before = client.ask().split(separator: " ").first ?? ""
    names.endpoints = [ProxiedEndpoint(pods[1].address, 5353)]
    try await proxy.update([name("names"): names])
    let after = client.ask().split(separator: " ").first ?? ""
    checks.expect("a UDP flow follows its service", before == "a" && after == "b", "\(before) then \(after)")

    names.endpoints = [ProxiedEndpoint(pods[0].address, 5353)]
    backend.refuseNext()
    do {
        try await proxy.update([name("names"): names])
        checks.expect("a refused transaction is an error", false)
    } catch {
        checks.expect("a UDP flow stays while a transaction is refused", client.ask().hasPrefix("b "))
    }
    try await proxy.update([:])
    let late = client.ask().split(separator: " ").first ?? ""
    checks.expect("a UDP flow follows its service where a transaction was refused", late == "a", "\(late)")

    try await proxy.update([name("names"): nil])
}
