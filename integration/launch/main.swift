import ContainerRuntime
import Glibc
import Linux

@concurrent func check() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count >= 2 else { exit(2) }
    let events = try EventThread()
    let spawner = try PodMonitorSpawner(
        executable: arguments[1], events: events, threads: BlockingThreads(count: 2))
    let base = "/tmp/launch-check"
    mkdir(base, 0o700)
    let group = "/sys/fs/cgroup/unified/launch-check"
    mkdir(group, 0o755)
    let pod = try await TestPod.make("p1", spawner: spawner, base: base, group: group)
    let (lines, exit) = try await pod.output(
        pod.container(
            "c1", ["sh", "-c", "id; ls -la /proc/self/fd; ps; cat /proc/self/status; mount; hostname; ls -la /dev"]))
    for line in lines { print(line) }
    print(exit)
    try await pod.destroy()
}

do { try await check() } catch { print("FAILED:", error) }
