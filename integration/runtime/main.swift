import CRI
import ContainerRuntime
import Glibc
import Linux

/// Runs the runtime on the real kernel, as root, with the real monitor and pod network, in directories and a cgroup of its own.
@concurrent func check() async throws -> Bool {
    let arguments = CommandLine.arguments
    guard arguments.count >= 2 else {
        print("usage: runtime-check MONITOR [bench | crash [ROUNDS [SEED]]]")
        return false
    }
    if arguments.count == 5, arguments[2] == "worker" {
        try await work(Scene(monitorProgram: arguments[1], directory: arguments[3], cgroupRoot: arguments[4]))
        return true
    }
    let scene = try Scene(monitorProgram: arguments[1])
    var checks = Checks()
    let runtime = try await scene.open()
    _ = try await runtime.images.add(name: "busybox", path: scene.directory + "/rootfs")
    if arguments.contains("bench") {
        try await measure(scene, runtime)
    } else if arguments.contains("crash") {
        let rounds = arguments.count > 3 ? Int(arguments[3]) ?? 50 : 50
        let seed = arguments.count > 4 ? UInt64(arguments[4]) ?? 1 : UInt64(getpid())
        await checks.run("crashes") { checks in
            try await checkCrashes(scene, rounds: rounds, seed: seed, &checks)
        }
    } else {
        await checks.run("removal") { checks in try checkRemoval(scene, &checks) }
        await checks.run("life") { checks in try await checkLife(scene, runtime, &checks) }
        await checks.run("kinds") { checks in try await checkKinds(scene, runtime, &checks) }
        await checks.run("swaps") { checks in try await checkSwaps(scene, runtime, &checks) }
        await checks.run("recovery") { checks in try await checkRecovery(scene, &checks) }
        await checks.run("nesting") { checks in try await checkNesting(scene, &checks) }
    }
    try await runtime.removeEverything(includingImages: true)
    try scene.clear()
    checks.expect(access(scene.cgroupRoot, F_OK) != 0 && access(scene.paths.data, F_OK) != 0, "uninstalled")
    print("\(checks.passed) passed, \(checks.failed) failed")
    return checks.failed == 0
}

/// Prints the steps of fifty pods, one after another.
@concurrent func measure(_ scene: Scene, _ runtime: NodeRuntime) async throws {
    let clock = ContinuousClock()
    var whole: [Duration] = []
    for number in 0..<50 {
        let pod = scene.pod("bench\(number)")
        var sandbox = ""
        whole.append(
            try await clock.measure {
                sandbox = try await runtime.runPodSandbox(pod)
                _ = try await runtime.start(scene.container("main", ["sleep", "1000"]), in: sandbox, pod)
            })
        try await runtime.removePodSandbox(sandbox)
    }
    let steps = scene.steps.all.withLock { $0 }
    for name in [
        "sandbox.record", "sandbox.monitor", "sandbox.network", "sandbox.ready", "container.prepare",
        "container.create", "container.start",
    ] {
        print(name, percentiles(steps.filter { $0.name == name }.map(\.duration)))
    }
    print("all", percentiles(whole))
}

func percentiles(_ durations: [Duration]) -> String {
    let sorted = durations.sorted()
    guard !sorted.isEmpty else { return "never" }
    return "p50 \(sorted[sorted.count / 2]) p90 \(sorted[sorted.count * 9 / 10]) min \(sorted[0])"
}

do {
    exit(try await check() ? 0 : 1)
} catch {
    print("FAILED  \(error)")
    exit(1)
}
