import Glibc

@concurrent
nonisolated func run(_ arguments: [String]) async -> CInt {
    guard arguments.count == 4 else {
        print("usage: network-integration check|bench RUN STATE (see integration/network.sh)")
        return 2
    }
    let scene = Scene(run: arguments[2], state: arguments[3])
    if arguments[1] == "bench" {
        do {
            try await benchPods(scene)
            try await benchServices()
            return 0
        } catch {
            print("bench: \(error)")
            return 1
        }
    }
    let checks = Checks()
    do {
        try await checkPodNetwork(scene, checks)
        try await checkClusterDNS(scene, checks)
        try checkObstacles(scene, checks)
        try await checkKubeProxy(scene, checks)
    } catch {
        checks.expect("runs to its end", false, "\(error)")
    }
    print("network: \(checks.passed) passed, \(checks.failed) failed")
    return checks.failed == 0 ? 0 : 1
}

exit(await run(CommandLine.arguments))
