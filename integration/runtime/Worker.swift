import CRI
import ContainerRuntime
import Glibc

/// A daemon's life under load: pods come and go until somebody kills it. What has been acknowledged is told on standard output, a line each:
/// `running CONTAINER PID SANDBOX`, `removing SANDBOX`, `removed SANDBOX`, `step NAME`.
@concurrent func work(_ scene: Scene) async throws {
    let runtime = try await scene.open()
    tell("step open")
    try await withThrowingTaskGroup(of: Void.self) { group in
        for lane in 0..<3 {
            group.addTask {
                for number in 0..<10_000 {
                    let pod = scene.pod("w\(getpid())-\(lane)-\(number)")
                    let sandbox = try await runtime.runPodSandbox(pod)
                    let id = try await runtime.start(scene.container("main", ["sleep", "100000"]), in: sandbox, pod)
                    tell("running \(id) \(try await runtime.containerStatus(id).processID) \(sandbox)")
                    if number % 3 == 0 { continue }
                    tell("removing \(sandbox)")
                    if number % 3 == 1 { try await runtime.stopContainer(id, timeout: .zero) }
                    tell("step container.stopped")
                    try await runtime.removePodSandbox(sandbox)
                    tell("removed \(sandbox)")
                }
            }
        }
        try await group.waitForAll()
    }
}

/// One write, so that lines stay whole.
func tell(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(STDOUT_FILENO, bytes, bytes.count)
}

/// A worker's process and what it tells.
struct Worker {
    let process: pid_t
    let output: Int32

    static func spawn(_ arguments: [String]) throws -> Worker {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Failure("pipe: errno \(errno)") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        defer { posix_spawn_file_actions_destroy(&actions) }
        var texts: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        texts.append(nil)
        defer { for text in texts { free(text) } }
        var process = pid_t()
        let code = posix_spawn(&process, "/proc/self/exe", &actions, nil, texts, environ)
        close(ends[1])
        guard code == 0 else { throw Failure("posix_spawn: errno \(code)") }
        return Worker(process: process, output: ends[0])
    }

    /// Kills it and gives every line that it got out.
    func end() -> [String] {
        kill(process, SIGKILL)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while case let count = read(output, &chunk, chunk.count), count > 0 { bytes += chunk[..<count] }
        close(output)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}

struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
