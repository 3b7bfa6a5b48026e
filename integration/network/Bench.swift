import KubeProxy
import Linux
import Logging
import PodNetwork

private func service(_ number: Int) -> (ProxiedPortName, ProxiedPort) {
    let high = UInt8(number / 250)
    let low = UInt8(number % 250)
    var port = ProxiedPort(transport: .tcp, port: 80, clusterAddress: IPv4Address(10, 43, high, low))
    port.endpoints = [
        ProxiedEndpoint(IPv4Address(10, 42, high, low), 8080), ProxiedEndpoint(IPv4Address(10, 44, high, low), 8080),
    ]
    return (ProxiedPortName(namespace: "default", service: "service-\(number)", port: ""), port)
}

/// Prints how long the rules of many services take as a whole, and one service's change beside them.
func benchServices(count: Int = 5_000, repetitions: Int = 200) async throws {
    guard let services = IPv4Network("10.43.0.0/16"), let cluster = IPv4Network("10.42.0.0/16") else { return }
    let proxy = KubeProxy(
        table: "swiftlet-bench", serviceNetwork: services, clusterNetwork: cluster, backend: KernelNFTables(),
        connections: nil, logger: Logger(label: "bench"))
    let all: [ProxiedPortName: ProxiedPort?] = Dictionary(
        uniqueKeysWithValues: (0..<count).map { service($0) }.map { ($0.0, .some($0.1)) })
    let clock = ContinuousClock()
    let whole = try await clock.measure { try await proxy.update(all) }
    print("\(count) services with two endpoints each, made at once: \(milliseconds(whole)) ms")
    var times: [String: [Double]] = [:]
    for repetition in 0..<repetitions {
        var (name, port) = service(count + repetition % 10)
        let added = try await clock.measure { try await proxy.update([name: port]) }
        port.endpoints.removeLast()
        let changed = try await clock.measure { try await proxy.update([name: port]) }
        let deleted = try await clock.measure { try await proxy.update([name: nil]) }
        times["added", default: []].append(milliseconds(added))
        times["lost an endpoint", default: []].append(milliseconds(changed))
        times["deleted", default: []].append(milliseconds(deleted))
    }
    for (what, values) in times.sorted(by: { $0.key < $1.key }) {
        let sorted = values.sorted()
        print("one service \(what): p50 \(sorted[sorted.count / 2]) ms, p99 \(sorted[sorted.count * 99 / 100]) ms")
    }
    try KernelNFTables().apply(.init(table: "swiftlet-bench", [.deleteTable]))
}

/// Prints how long a pod's link takes to make and to delete.
func benchPods(_ scene: Scene, repetitions: Int = 100) async throws {
    let network = try scene.makeNetwork()
    try await network.prepare()
    let clock = ContinuousClock()
    var times: [String: [Double]] = [:]
    for _ in 0..<repetitions {
        times["attached", default: []].append(
            milliseconds(try await clock.measure { _ = try await scene.attach(network, "a") }))
        times["detached", default: []].append(
            milliseconds(try await clock.measure { try await network.detach(sandbox: "sandbox-a") }))
    }
    for _ in 0..<repetitions {
        _ = try await scene.attach(network, "a")
        async let leaving: Void = network.detach(sandbox: "sandbox-a")
        times["attached while another is detached", default: []].append(
            milliseconds(try await clock.measure { _ = try await scene.attach(network, "b") }))
        try await leaving
        try await network.detach(sandbox: "sandbox-b")
    }
    for (what, values) in times.sorted(by: { $0.key < $1.key }) {
        let sorted = values.sorted()
        print("one pod \(what): p50 \(sorted[sorted.count / 2]) ms, p99 \(sorted[sorted.count * 99 / 100]) ms")
    }
    try PodNetwork.removeAll(
        instance: network.configuration.instance, stateDirectory: network.configuration.stateDirectory)
}

private func milliseconds(_ duration: Duration) -> Double {
    let (seconds, attoseconds) = duration.components
    return (Double(seconds) * 1000 + Double(attoseconds) / 1e15).rounded(toThousandths: ())
}

extension Double {
    fileprivate func rounded(toThousandths: Void) -> Double { (self * 1000).rounded() / 1000 }
}
