import CRI
import ContainerRuntime
import Glibc
import Linux

/// A container that may write into its cgroup nests groups beyond what a path can name: it is seen and ended all the same, and a daemon starts beside it.
func checkNesting(_ scene: Scene, _ checks: inout Checks) async throws {
    let before = try await scene.open()
    let pod = scene.pod("nest")
    let sandbox = try await before.runPodSandbox(pod)
    var config = scene.container("main", ["sh", "-c", nesting])
    config.security.isPrivileged = true
    let id = try await before.start(config, in: sandbox, pod)
    let log = try await scene.log("nest", "main", with: "nested ")
    let words = log.split(whereSeparator: \.isWhitespace).map(String.init)
    let depth = words.firstIndex(of: "nested").flatMap { Int(words[$0 + 1]) } ?? 0
    checks.expect((17..<32).contains(depth), "groups in groups are made, and no deeper than is allowed", log)
    let group = try await before.leftovers().first { $0.kind == .cgroup }?.name ?? ""
    let path = group + "/" + id + String(repeating: "/" + String(repeating: "n", count: 255), count: depth)
    checks.expect(
        access(path, F_OK) != 0 && errno == ENAMETOOLONG, "the control: the deepest cannot be found by its path", path)
    await before.close()
    let after = try await scene.open()
    let processes = try await after.leftovers().filter { $0.kind == .process }
    // The monitor, its writer of logs, the container's first process and that in the deepest group.
    checks.expect(processes.count == 4, "a daemon starts beside them and sees who is in them", "\(processes)")
    try await after.removePodSandbox(sandbox)
    let left = try await after.leftovers()
    checks.expect(left.isEmpty && access(group, F_OK) != 0, "they go with the pod", "\(left)")
}

/// As deep as the kernel lets it, with a process in the deepest.
private let nesting = """
    cd /sys/fs/cgroup; name=$(head -c 255 /dev/zero | tr '\\0' n); depth=0
    while [ $depth -lt 100 ] && mkdir $name 2>/dev/null; do cd -P $name; depth=$((depth + 1)); done
    sleep 1000 & echo $! >cgroup.procs && echo nested $depth; exec sleep 1000
    """
