import CRI
import ContainerRuntime
import Glibc
import Linux

/// Daemons that go and come: what runs goes on, what ended meanwhile is told, what died is cleared away.
func checkRecovery(_ scene: Scene, _ checks: inout Checks) async throws {
    let pod = scene.pod("stays")
    let before = try await scene.open()
    let sandbox = try await before.runPodSandbox(pod)
    let steady = try await before.start(scene.container("steady", ["sleep", "1000"]), in: sandbox, pod)
    let brief = try await before.start(scene.container("brief", ["sh", "-c", "sleep 0.3; exit 5"]), in: sandbox, pod)
    let process = try await before.containerStatus(steady).processID
    let address = try await before.podSandboxStatus(sandbox).addresses
    await before.close()
    let after = try await scene.open()
    let status = try await after.containerStatus(steady)
    checks.expect(status.state == .running && status.processID == process, "the same process runs on", "\(status)")
    checks.expect(try await after.podSandboxStatus(sandbox).addresses == address, "at the same address")
    let ended = try await after.ended(brief)
    checks.expect(ended.exitCode == 5, "an end while no daemon was there is told", "\(ended)")
    let reply = try await after.output(steady, ["echo", "still here"])
    checks.expect(reply.text == "still here\n", "exec after the restart")
    try await after.removeContainer(brief)
    let next = try await after.start(scene.container("next", ["sleep", "1000"]), in: sandbox, pod)
    checks.expect(try await after.containerStatus(next).state == .running, "another container after the restart")
    try await checkDeadMonitor(scene, after, sandbox, &checks)
}

private func checkDeadMonitor(
    _ scene: Scene, _ runtime: NodeRuntime, _ sandbox: String, _ checks: inout Checks
) async throws {
    let cgroup = try await runtime.leftovers().first { $0.kind == .cgroup }?.name ?? ""
    let monitor = try WholeFile.readPseudo(cgroup + "/monitor/cgroup.procs")
    guard let process = Int32(String(decoding: monitor.prefix { $0 != 10 }, as: UTF8.self)) else {
        return checks.expect(
            false, "the monitor's process is found in \(cgroup): \(String(decoding: monitor, as: UTF8.self))")
    }
    let events = runtime.containerEvents()
    kill(process, SIGKILL)
    for await event in events where event.container == sandbox && event.kind == .stopped { break }
    checks.expect(
        try await runtime.podSandboxStatus(sandbox).state == .notReady, "a dead monitor's sandbox is not ready")
    let processes = try await runtime.leftovers().filter { $0.kind == .process }
    checks.expect(processes.isEmpty, "and its containers are gone", "\(processes)")
    try await runtime.removePodSandbox(sandbox)
    let left = try await runtime.leftovers()
    checks.expect(left.isEmpty, "nothing is left", "\(left)")
}

/// A pod on the host's network, a privileged container, and many pods at once.
func checkKinds(_ scene: Scene, _ runtime: NodeRuntime, _ checks: inout Checks) async throws {
    let pod = scene.pod("host", network: .node)
    let sandbox = try await runtime.runPodSandbox(pod)
    var config = scene.container("main", ["sleep", "1000"])
    config.security.isPrivileged = true
    let id = try await runtime.start(config, in: sandbox, pod)
    let links = try await runtime.output(id, ["ls", "/sys/class/net"]).text
    checks.expect(links.contains("sw-rtc"), "the host's links are seen from its network", links)
    let state = try await runtime.output(id, ["grep", "-E", "Seccomp:|CapEff", "/proc/self/status"]).text
    checks.expect(state.contains("Seccomp:\t0"), "a privileged container has no filter", state)
    checks.expect(try await runtime.podSandboxStatus(sandbox).addresses.isEmpty, "and no address of its own")
    try await runtime.removePodSandbox(sandbox)
    let clock = ContinuousClock()
    let taken = try await clock.measure {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask {
                    let pod = scene.pod("many\(number)")
                    let sandbox = try await runtime.runPodSandbox(pod)
                    _ = try await runtime.start(scene.container("main", ["sleep", "1000"]), in: sandbox, pod)
                }
            }
            try await group.waitForAll()
        }
    }
    print("20 pods at once: \(taken)")
    checks.expect(try await runtime.listContainers(ContainerFilter(state: .running)).count == 20, "20 pods at once run")
    for sandbox in try await runtime.listPodSandboxes(PodSandboxFilter()) {
        try await runtime.removePodSandbox(sandbox.id)
    }
    let left = try await runtime.leftovers()
    checks.expect(left.isEmpty, "nothing is left of them", "\(left)")
}
