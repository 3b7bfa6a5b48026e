import Glibc
import Linux
import Logging
import PodNetwork

extension Scene {
    func configuration() throws -> PodNetworkConfiguration {
        guard let name = InstanceName("it"), let pods = IPv4Network("10.42.0.0/24"),
            let cluster = IPv4Network("10.42.0.0/16"), let services = IPv4Network("10.43.0.0/16")
        else { throw Failure("constants") }
        return PodNetworkConfiguration(
            instance: name, podNetwork: pods, clusterNetwork: cluster, serviceNetwork: services,
            stateDirectory: "\(state)/addresses")
    }

    func makeNetwork() throws -> PodNetwork {
        PodNetwork(configuration: try configuration(), logger: Logger(label: "check"))
    }

    /// A start of the same instance with another pod network.
    func start(in pods: String, of cluster: String) async throws {
        guard let pods = IPv4Network(pods), let cluster = IPv4Network(cluster) else { throw Failure("constants") }
        var configuration = try configuration()
        (configuration.podNetwork, configuration.clusterNetwork) = (pods, cluster)
        try await PodNetwork(configuration: configuration, logger: Logger(label: "check")).prepare()
    }

    func attach(_ network: PodNetwork, _ name: String) async throws -> PodAddress {
        try await network.attach(sandbox: "sandbox-\(name)", networkNamespace: .path("/run/netns/\(pod(name))"))
    }
}

/// Links, addresses, masquerade, adoption and removal.
func checkPodNetwork(_ scene: Scene, _ checks: Checks) async throws {
    let before = try inside(scene.host) { try? NetworkSysctl("ipv4/ip_forward").read() }
    let network = try scene.makeNetwork()
    try await network.prepare()
    let a = try await scene.attach(network, "a")
    let b = try await scene.attach(network, "b")
    for name in ["a", "b"] { try serve(name, in: scene.pod(name), port: 8080) }
    try serve("out", in: scene.out, port: 8080)
    try serve("host", in: scene.host, port: 9000)

    checks.expect("pod to pod", try ask(from: scene.pod("a"), b.address, 8080), "b \(a.address)")
    checks.expect("pod to itself", try ask(from: scene.pod("a"), a.address, 8080), "a \(a.address)")
    checks.expect("host to pod", try ask(from: scene.host, a.address, 8080), "a \(a.gateway)")
    checks.expect("pod to host", try ask(from: scene.pod("b"), a.gateway, 9000), "host \(b.address)")
    checks.expect("pod to outside is masqueraded", try ask(from: scene.pod("a"), Scene.outside, 8080), "out 192.0.2.1")
    checks.expect("an address that no pod holds", try ask(from: scene.host, IPv4Address(10, 42, 0, 200), 80), "refused")
    try checkSpoofing(scene, checks, b)
    try await checkRouters(scene, checks, network, a)

    try await checkRefusals(scene, checks, network)
    try await checkRefusedStarts(scene, checks)
    checks.expect(
        "pod to pod after starts that were refused", try ask(from: scene.pod("a"), b.address, 8080), "b \(a.address)")
    checks.expect("attach again is the same", try await scene.attach(network, "a") == a)
    let adopted = try scene.makeNetwork()
    try await adopted.prepare()
    checks.expect("addresses outlive the daemon", await adopted.address(of: "sandbox-a") == a)
    checks.expect("attach after a restart is the same", try await scene.attach(adopted, "b") == b)
    checks.expect("pod to pod after a restart", try ask(from: scene.pod("a"), b.address, 8080), "b \(a.address)")
    try await checkRepair(scene, checks, adopted, a, b)
    try await adopted.collect { ["sandbox-a"] }
    let instance = adopted.configuration.instance
    checks.expect("no firewall is in the way", try PodNetwork.obstacles(instance: instance).isEmpty)
    let owned = try PodNetwork.owned(instance: adopted.configuration.instance)
    checks.expect("collect leaves the live", owned.links == ["sw-it-n", a.hostLink].sorted(), "\(owned)")
    try await adopted.detach(sandbox: "sandbox-a")
    try await scene.start(in: "10.99.0.0/24", of: "10.99.0.0/16")
    try PodNetwork.removeAll(
        instance: adopted.configuration.instance, stateDirectory: adopted.configuration.stateDirectory)
    let left = try PodNetwork.owned(instance: adopted.configuration.instance)
    checks.expect("removal leaves nothing", left.isEmpty, "\(left)")
    checks.expect("no state is left", access(adopted.configuration.stateDirectory, F_OK) != 0)
    let after = try inside(scene.host) { try? NetworkSysctl("ipv4/ip_forward").read() }
    checks.expect("forwarding is as before", after == before, "\(String(describing: after))")
}

/// A pod that takes another's address as its source is not heard.
private func checkSpoofing(_ scene: Scene, _ checks: Checks, _ victim: PodAddress) throws {
    let forged = IPv4Address(10, 42, 0, 99)
    let socket = try NetworkNamespace(path: "/run/netns/\(scene.pod("a"))").enter { () throws(NetlinkError) in
        try RouteSocket()
    }
    guard let link = try socket.link(named: "eth0") else { throw Failure("no eth0") }
    let address = LinkAddress(link: link.index, address: forged, prefixLength: 32)
    try socket.add(address)
    let seen = try inside(scene.pod("a")) { connectFrom(forged, to: victim.address, 8080) }
    checks.expect("a forged source is dropped", seen != 0, "connected")
    try socket.delete(address)
}

/// A firewall of someone else that drops what it does not know is found and named. `network.sh` makes one in the
/// namespace `c`.
func checkObstacles(_ scene: Scene, _ checks: Checks) throws {
    let instance = try scene.configuration().instance
    let found = try inside(scene.pod("c")) { (try? PodNetwork.obstacles(instance: instance)) ?? [] }
    checks.expect(
        "a dropping firewall is named", found.count == 1 && found[0].contains("\"ip foreign FORWARD\""), "\(found)")
}

/// What an interrupted daemon or another program left undone or took away is put back.
private func checkRepair(
    _ scene: Scene, _ checks: Checks, _ network: PodNetwork, _ a: PodAddress, _ b: PodAddress
) async throws {
    let host = try NetworkNamespace(path: "/run/netns/\(scene.host)").enter { () throws(NetlinkError) in
        try RouteSocket()
    }
    let inPod = try NetworkNamespace(path: "/run/netns/\(scene.pod("a"))").enter { () throws(NetlinkError) in
        try RouteSocket()
    }
    if let link = try inPod.link(named: "eth0") {
        try inPod.delete(LinkAddress(link: link.index, address: a.address, prefixLength: 32))
    }
    _ = try await scene.attach(network, "a")
    checks.expect("a half-made link is completed", try ask(from: scene.pod("a"), b.address, 8080), "b \(a.address)")
    try host.deleteLink(name: a.hostLink)
    _ = try await scene.attach(network, "a")
    checks.expect("a lost link is made anew", try ask(from: scene.pod("a"), b.address, 8080), "b \(a.address)")

    if let link = try host.link(named: b.hostLink) {
        try host.delete(Route(IPv4Network(b.address, prefixLength: 32), link: link.index))
    }
    try host.deleteLink(name: network.configuration.instance.nodeLink)
    try KernelNFTables().apply(.init(table: network.configuration.instance.podTable, [.deleteTable]))
    try await network.repair()
    checks.expect("deleted routes and links come back", try ask(from: scene.host, b.address, 8080), "b \(b.gateway)")
    checks.expect("and masquerade", try ask(from: scene.pod("a"), Scene.outside, 8080), "out 192.0.2.1")
    try await network.repair()
}

/// What would break the host is refused, with a message that says what to do.
private func checkRefusals(_ scene: Scene, _ checks: Checks, _ network: PodNetwork) async throws {
    do throws(PodNetworkError) {
        _ = try await network.attach(sandbox: "host", networkNamespace: .path("/run/netns/\(scene.host)"))
        checks.expect("the host is no pod", false, "attached")
    } catch {
        checks.expect("the host is no pod", "\(error)".contains("the host's own network"), "\(error)")
    }
    checks.expect("and keeps no address", await network.address(of: "host") == nil)
    var configuration = try scene.configuration()
    guard let name = InstanceName("two") else { throw Failure("constants") }
    configuration.instance = name
    configuration.stateDirectory = "\(scene.state)/two"
    do throws(PodNetworkError) {
        try await PodNetwork(configuration: configuration, logger: Logger(label: "check")).prepare()
        checks.expect("two instances do not share addresses", false, "prepared")
    } catch {
        checks.expect("two instances do not share addresses", "\(error)".contains("link sw-it-n"), "\(error)")
    }
}

/// A start with settings that cannot be takes nothing from the pods that run: the next one finds all as it was.
private func checkRefusedStarts(_ scene: Scene, _ checks: Checks) async throws {
    for (pods, cluster, words) in [
        ("192.0.2.0/25", "192.0.2.0/24", "192.0.2.0/25 is in use: link up0"),
        ("10.99.0.0/24", "10.99.0.0/16", "pod-cidr=10.42.0.0/24"),
    ] {
        do {
            try await scene.start(in: pods, of: cluster)
            checks.expect("a start in \(pods) is refused while pods run", false, "prepared")
        } catch {
            checks.expect("a start in \(pods) is refused while pods run", "\(error)".contains(words), "\(error)")
        }
    }
    let next = try scene.makeNetwork()
    try await next.prepare()
    try await next.collect { ["sandbox-a", "sandbox-b"] }
}
