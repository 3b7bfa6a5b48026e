import CRI
import ContainerRuntime
import Glibc
import Linux

/// One pod from its sandbox to its removal, with all that can be asked of it meanwhile.
func checkLife(_ scene: Scene, _ runtime: NodeRuntime, _ checks: inout Checks) async throws {
    let pod = scene.pod("life")
    let sandbox = try await runtime.runPodSandbox(pod)
    let status = try await runtime.podSandboxStatus(sandbox)
    checks.expect(
        status.addresses.first?.hasPrefix("10.231.7.") == true, "the pod has an address", "\(status.addresses)")
    let id = try await runtime.start(
        scene.container("main", ["sh", "-c", "echo out; echo err >&2; exec sleep 1000"]), in: sandbox, pod)
    try await checkInside(runtime, id, &checks)
    let log = try await scene.log("life", "main", with: " stdout F out\n", " stderr F err\n")
    checks.expect(
        log.contains(" stdout F out\n") && log.contains(" stderr F err\n"), "the log is in the CRI's form", log)
    try await checkStreams(runtime, id, sandbox, &checks)
    try await checkAttach(scene, runtime, sandbox, pod, &checks)
    let stats = try await runtime.containerStats(id)
    checks.expect((stats.cpuNanoseconds ?? 0) > 0, "processor time is counted", "\(stats)")
    try await runtime.stopContainer(id, timeout: .milliseconds(100))
    let ended = try await runtime.containerStatus(id)
    checks.expect(ended.state == .exited && ended.exitCode == 137, "a deaf container is killed", "\(ended)")
    try await runtime.removeContainer(id)
    try await checkFailures(scene, runtime, sandbox, pod, &checks)
    try await runtime.removePodSandbox(sandbox)
    let left = try await runtime.leftovers()
    checks.expect(left.isEmpty, "nothing is left of the pod", "\(left)")
}

private func checkInside(_ runtime: NodeRuntime, _ id: String, _ checks: inout Checks) async throws {
    func inside(_ command: String) async throws -> String {
        try await runtime.output(id, ["sh", "-c", command]).text
    }
    let identity = try await inside("id -u; id -g; hostname; pwd")
    checks.expect(identity == "0\n0\nlife\n/\n", "root, the pod's name, the root directory", identity)
    let resolv = try await inside("cat /etc/resolv.conf")
    checks.expect(
        resolv == "search check.svc.cluster.local\nnameserver 10.232.0.10\noptions ndots:5\n", "resolv.conf", resolv)
    checks.expect(try await inside("cat /etc/hosts").contains("\tlife\n"), "hosts names the pod")
    let processes = try await inside("ls /proc | grep -c '^[0-9]'")
    checks.expect(Int(processes.filter(\.isNumber)).map { $0 < 8 } == true, "only its own processes", processes)
    let state = try await inside("grep -E 'Seccomp:|CapEff|CapBnd|NoNewPrivs' /proc/self/status")
    checks.expect(state.contains("Seccomp:\t2"), "seccomp filters", state)
    checks.expect(state.contains("CapEff:\t00000000a80425fb"), "the default capabilities", state)
    let memory = try await inside("echo x > /dev/shm/a; cat /dev/shm/a; grep -c ' /dev/shm ' /proc/mounts")
    checks.expect(memory == "x\n1\n", "shared memory", memory)
    let descriptors = try await inside("ls /proc/1/fd")
    checks.expect(descriptors == "0\n1\n2\n", "no descriptor of ours", descriptors)
    checks.expect(try await inside("echo 1 > /proc/sys/kernel/hostname").contains("ead-only"), "/proc/sys is read-only")
}

private func checkStreams(
    _ runtime: NodeRuntime, _ id: String, _ sandbox: String, _ checks: inout Checks
) async throws {
    let failed = try await runtime.output(id, ["sh", "-c", "echo no >&2; exit 7"])
    checks.expect(failed.code == 7 && failed.text == "no\n", "an exec's code and error output", "\(failed)")
    do {
        _ = try await runtime.execSync(
            container: id, command: ["sleep", "50"], timeout: .milliseconds(200), outputLimit: 10)
        checks.expect(false, "an exec's timeout")
    } catch {
        if case CRIError.timedOut = error {
            checks.expect(true, "an exec's timeout")
        } else {
            checks.expect(false, "\(error)")
        }
    }
    do {
        _ = try await runtime.output(id, ["nonesuch"])
        checks.expect(false, "a command that is not there")
    } catch {
        let isFailure = if case CRIError.startFailed(_, 127) = error { true } else { false }
        checks.expect(isFailure, "a command that is not there", "\(error)")
    }
    let cut = try await runtime.execSync(
        container: id, command: ["sh", "-c", "head -c 300000 /dev/zero"], timeout: .seconds(120), outputLimit: 1000)
    checks.expect(cut.standardOutput.count == 1000 && cut.exitCode == 0, "output over the limit is cut")
    var request = ExecRequest(container: id, command: ["cat"], standardInput: true)
    let echo = try await runtime.exec(request)
    try await echo.writeStandardInput(Array("through\n".utf8))
    await echo.closeStandardInput()
    var text: [UInt8] = []
    while let chunk = try await echo.receive() { if case .standardOutput(let bytes) = chunk { text += bytes } }
    checks.expect(text == Array("through\n".utf8), "standard input of an exec", String(decoding: text, as: UTF8.self))
    checks.expect(try await echo.exitCode() == 0, "and its end")
    request.command = ["sh", "-c", "stty size; echo $TERM"]
    request.terminal = true
    let terminal = try await runtime.exec(request)
    await terminal.resize(.init(columns: 132, rows: 40))
    var shown: [UInt8] = []
    while let chunk = try await terminal.receive() { if case .standardOutput(let bytes) = chunk { shown += bytes } }
    checks.expect(
        String(decoding: shown, as: UTF8.self).contains("xterm"), "a terminal", String(decoding: shown, as: UTF8.self))
    try await checkForward(runtime, id, sandbox, &checks)
}

/// A container that reads its standard input, as a shell does.
private func checkAttach(
    _ scene: Scene, _ runtime: NodeRuntime, _ sandbox: String, _ pod: PodSandboxConfig, _ checks: inout Checks
) async throws {
    var config = scene.container("reader", ["sh", "-c", "while read line; do echo got $line; done; exit 4"])
    config.standardInput = true
    config.standardInputOnce = true
    let id = try await runtime.start(config, in: sandbox, pod)
    let session = try await runtime.attach(ExecRequest(container: id, standardInput: true))
    try await session.writeStandardInput(Array("one\n".utf8))
    var text: [UInt8] = []
    if case .standardOutput(let bytes) = try await session.receive() { text = bytes }
    checks.expect(text == Array("got one\n".utf8), "an attached session", String(decoding: text, as: UTF8.self))
    await session.closeStandardInput()
    let ended = try await runtime.ended(id)
    checks.expect(ended.exitCode == 4, "ends the container's standard input", "\(ended)")
    checks.expect(try await session.exitCode() == 4, "and knows the container's end")
}

private func checkForward(
    _ runtime: NodeRuntime, _ id: String, _ sandbox: String, _ checks: inout Checks
) async throws {
    let server = try await runtime.exec(
        ExecRequest(container: id, command: ["sh", "-c", "echo ready; echo hello | nc -l -p 8080"]))
    _ = try await server.receive()
    var connected: (any ContainerStreams)?
    for _ in 0..<6_000 where connected == nil {
        connected = try? await runtime.portForward(sandbox: sandbox, port: 8080)
        if connected == nil { try await Task.sleep(for: .milliseconds(10)) }
    }
    guard let connected else { return checks.expect(false, "a forwarded port: no connection") }
    var text: [UInt8] = []
    if case .standardOutput(let bytes) = try await connected.receive() { text = bytes }
    checks.expect(text == Array("hello\n".utf8), "a forwarded port")
    await connected.close()
    await server.close()
}

private func checkFailures(
    _ scene: Scene, _ runtime: NodeRuntime, _ sandbox: String, _ pod: PodSandboxConfig, _ checks: inout Checks
) async throws {
    let missing = try await runtime.createContainer(
        sandbox: sandbox, config: scene.container("missing", ["/nonesuch"]), sandboxConfig: pod)
    do {
        try await runtime.startContainer(missing)
        checks.expect(false, "a program that is not there")
    } catch {
        let status = try await runtime.containerStatus(missing)
        checks.expect(
            status.exitCode == 128 && status.reason == "StartError" && status.startedAt == 0,
            "a program that is not there is a failed start", "\(error) \(status)")
    }
    var mounted = scene.container("mounted", ["sleep", "1"])
    mounted.mounts = [.init(hostPath: scene.directory + "/nowhere", containerPath: "/data")]
    do {
        _ = try await runtime.createContainer(sandbox: sandbox, config: mounted, sandboxConfig: pod)
        checks.expect(false, "a mount source that is not there")
    } catch {
        checks.expect("\(error)".contains("/nowhere"), "a mount source that is not there is named", "\(error)")
    }
    var user = scene.container("user", ["sh", "-c", "id -u; id -g; id -G; echo $HOME; pwd; touch /x || echo denied"])
    user.security.user = 33
    user.security.noNewPrivileges = true
    user.workingDirectory = "/tmp"
    let asUser = try await runtime.start(user, in: sandbox, pod)
    let ended = try await runtime.ended(asUser)
    let log = try await scene.log("life", "user", with: "denied\n").split(separator: "\n").compactMap {
        $0.split(separator: " ", maxSplits: 3).last
    }
    checks.expect(
        log.contains("33") && log.contains("34") && log.contains("34 50") && log.contains("/srv")
            && log.contains("/tmp") && log.contains("denied"), "a user of the image", "\(log) \(ended.exitCode)")
    var limited = scene.container("limited", ["sleep", "0"])
    limited.resources.memoryLimit = 64 << 20
    let id = try await runtime.start(limited, in: sandbox, pod)
    let status = try await runtime.containerStatus(id)
    let holds = try await runtime.status().conditions.first { $0.type == "LimitsHeld" }?.isTrue == true
    checks.expect(holds == status.warnings.isEmpty, "limits are held or told", "\(status.warnings)")
}
