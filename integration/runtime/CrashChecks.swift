import CRI
import ContainerRuntime
import Glibc
import Linux

/// Daemons killed at random moments under load: what was acknowledged runs on in the same processes, what was removed stays away, and nothing
/// is left that no record speaks of. Prints the seed and the last step before each death.
func checkCrashes(_ scene: Scene, rounds: Int, seed: UInt64, _ checks: inout Checks) async throws {
    var random = SplitMix(state: seed)
    var stages: [String: Int] = [:]
    var known = Acknowledged()
    var wrong: [String] = []
    for _ in 0..<rounds {
        let worker = try Worker.spawn([
            "runtime-check", scene.monitorProgram, "worker", scene.directory, scene.cgroupRoot,
        ])
        try await Task.sleep(for: .milliseconds(Int(30 + random.next() % 700)))
        let lines = worker.end()
        for line in lines { known.note(line) }
        stages[lines.last { $0.hasPrefix("step ") } ?? "before open", default: 0] += 1
        let runtime = try await scene.open()
        wrong += try await known.differences(from: runtime)
        wrong += try await strays(of: runtime)
        try await known.trim(runtime, keeping: 4)
        await runtime.close()
    }
    print("seed \(seed), last steps before \(rounds) deaths:")
    for (stage, count) in stages.sorted(by: { $0.key < $1.key }) { print("  \(count) × after \(stage)") }
    checks.expect(wrong.isEmpty, "\(rounds) daemons killed: nothing lost, nothing left", "\(wrong)")
    checks.expect(stages.count >= 4, "the deaths met several steps", "\(stages)")
    let last = try await scene.open()
    try await known.trim(last, keeping: 0)
    let left = try await last.leftovers()
    checks.expect(left.isEmpty, "nothing is left of the killed daemons' pods", "\(left)")
    await last.close()
}

/// What of the runtime's is on the node beside what its sandboxes have: one cgroup, one mount, one address each.
private func strays(of runtime: NodeRuntime) async throws -> [String] {
    let ready = try await runtime.listPodSandboxes(PodSandboxFilter(state: .ready)).count
    let sandboxes = try await runtime.listPodSandboxes(PodSandboxFilter()).count
    let containers = try await runtime.listContainers(ContainerFilter()).count
    let left = try await runtime.leftovers()
    func count(_ kind: Leftover.Kind) -> Int { left.filter { $0.kind == kind }.count }
    var wrong: [String] = []
    if count(.cgroup) != ready { wrong.append("\(count(.cgroup)) cgroups for \(ready) sandboxes") }
    if count(.mount) != ready { wrong.append("\(count(.mount)) mounts for \(ready) sandboxes") }
    if count(.directory) != sandboxes + containers {
        wrong.append("\(count(.directory)) directories for \(sandboxes) sandboxes and \(containers) containers")
    }
    return wrong
}

/// What daemons have acknowledged.
private struct Acknowledged {
    private var running: [String: (process: Int32, sandbox: String)] = [:]
    private var removed: Set<String> = []

    mutating func note(_ line: String) {
        let words = line.split(separator: " ").map(String.init)
        guard words.count >= 2 else { return }
        switch words[0] {
        case "running":
            guard words.count == 4, let process = Int32(words[2]) else { return }
            running[words[1]] = (process, words[3])
        case "removing": running = running.filter { $0.value.sandbox != words[1] }
        case "removed": removed.insert(words[1])
        default: break
        }
    }

    func differences(from runtime: NodeRuntime) async throws -> [String] {
        var wrong: [String] = []
        let found = Dictionary(
            uniqueKeysWithValues: try await runtime.listContainers(ContainerFilter()).map { ($0.id, $0) })
        for (id, expected) in running {
            guard let status = found[id] else {
                wrong.append("container \(id) is lost")
                continue
            }
            if status.state != .running || status.processID != expected.process || kill(expected.process, 0) != 0 {
                wrong.append("container \(id) was disturbed: \(status)")
            }
        }
        for sandbox in try await runtime.listPodSandboxes(PodSandboxFilter()) where removed.contains(sandbox.id) {
            wrong.append("sandbox \(sandbox.id) came back")
        }
        return wrong
    }

    mutating func trim(_ runtime: NodeRuntime, keeping count: Int) async throws {
        for sandbox in try await runtime.listPodSandboxes(PodSandboxFilter()).dropFirst(count) {
            try await runtime.removePodSandbox(sandbox.id)
            running = running.filter { $0.value.sandbox != sandbox.id }
        }
    }
}

/// A generator that a seed repeats.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
