import ContainerRuntime
import Glibc
import Linux

/// Runs every check in a pod of its own; ends with the counts and a status of 0 when all hold.
@concurrent func runChecks() async throws -> Int32 {
    let arguments = CommandLine.arguments
    guard arguments.count >= 2, geteuid() == 0 else {
        print("usage, as root: launch-check PATH-OF-SWIFTLET-PODMONITOR [PART-OF-A-CHECK'S-NAME]")
        return 2
    }
    signal(SIGPIPE, SIG_IGN)
    let ground = try TestGround(monitor: arguments[1], base: "/tmp/swiftlet-launch-check-\(getpid())")
    for feature in KernelFeature.all() where !feature.isPresent {
        print("      this kernel lacks \(feature.name) (\(feature.importance)): \(feature.consequence)")
    }
    var passed = 0
    var failed = 0
    for (index, check) in (Check.isolation + Check.life + Check.pod + Check.monitor + Check.making).enumerated() {
        if arguments.count > 2 && !check.name.contains(arguments[2]) { continue }
        do {
            let pod = try await ground.pod("pod\(index)")
            try await check.body(pod)
            try await pod.monitor.shutdown()
            print("ok    \(check.name)")
            passed += 1
        } catch {
            print("FAIL  \(check.name)\n      \(error)")
            failed += 1
        }
    }
    try ground.clean()
    print("launch: \(passed) passed, \(failed) failed")
    return failed == 0 ? 0 : 1
}

do {
    exit(try await runChecks())
} catch {
    print("launch-check: \(error)")
    exit(1)
}
