import CRI
import ContainerRuntime
import Glibc
import Linux

/// Counts what holds and what does not.
struct Checks {
    private(set) var passed = 0
    private(set) var failed = 0

    mutating func expect(_ holds: Bool, _ what: String, _ found: @autoclosure () -> String = "") {
        if holds {
            passed += 1
            print("ok      \(what)")
        } else {
            failed += 1
            print("FAILED  \(what) \(found())")
        }
    }

    mutating func run(_ name: String, _ body: (inout Checks) async throws -> Void) async {
        do {
            try await body(&self)
        } catch {
            failed += 1
            print("FAILED  \(name): \(error)")
        }
    }
}

/// What is mounted in a tree that is removed is another's: it stays whole.
func checkRemoval(_ scene: Scene, _ checks: inout Checks) throws {
    let tree = scene.directory + "/tree"
    try WholeFile.makeDirectories(tree + "/volume")
    try HostMount.tmpfs(at: tree + "/volume", options: ["size": "64k"])
    defer { try? HostMount.detach(FilePath(tree + "/volume")) }
    try WholeFile.replace(tree + "/volume/theirs", with: [1], durable: false)
    do throws(KernelError) {
        try TreeRemoval.remove(tree)
        checks.expect(false, "a tree with a mount in it is not removed")
    } catch {
        checks.expect(error.code == EBUSY, "a tree with a mount in it is not removed", "\(error)")
    }
    checks.expect(access(tree + "/volume/theirs", F_OK) == 0, "what is mounted in a tree is not touched")
    let places = try MountTable.places(beneath: tree)
    checks.expect(places == [FilePath(tree + "/volume")], "mounts in a tree are found", "\(places)")
    try HostMount.detach(FilePath(tree + "/volume"))
    try TreeRemoval.remove(tree)
    checks.expect(access(tree, F_OK) != 0, "without it the tree is removed")
}

extension NodeRuntime {
    /// Output and exit code of a command in a container.
    func output(_ container: String, _ command: [String]) async throws -> (text: String, code: Int32) {
        let result = try await execSync(
            container: container, command: command, timeout: .seconds(120), outputLimit: 1 << 20)
        return (String(decoding: result.standardOutput + result.standardError, as: UTF8.self), result.exitCode)
    }

    /// Creates and starts.
    func start(_ config: ContainerConfig, in sandbox: String, _ pod: PodSandboxConfig) async throws -> String {
        let id = try await createContainer(sandbox: sandbox, config: config, sandboxConfig: pod)
        try await startContainer(id)
        return id
    }

    /// Waits for the event of a container's end.
    func ended(_ id: String) async throws -> ContainerStatus {
        let events = containerEvents()
        let status = try await containerStatus(id)
        if status.state == .exited { return status }
        for await event in events where event.container == id && event.kind == .stopped { break }
        return try await containerStatus(id)
    }
}
