import CRI
import ContainerRuntime
import Glibc
import Linux
import Synchronization

/// A link within a volume that leads to a directory of the volume's and out of it in turns, while containers are made on it (CVE-2021-25741).
func checkSwaps(_ scene: Scene, _ runtime: NodeRuntime, _ checks: inout Checks) async throws {
    let (host, volume) = (scene.directory + "/host", scene.directory + "/volume")
    for (directory, text) in [(host, "outside"), (volume + "/own", "inside")] {
        try WholeFile.makeDirectories(directory)
        try WholeFile.replace(directory + "/file", with: Array(text.utf8), mode: 0o644, durable: false)
    }
    guard symlink("own", volume + "/part") == 0 else { throw KernelError("symlink", volume) }
    let swapping = Swapping()
    async let swaps = scene.threads.run("swap") { () throws(KernelError) in
        while !swapping.isOver.load(ordering: .relaxed) {
            for target in [host, "own"] {
                guard symlink(target, volume + "/next") == 0, rename(volume + "/next", volume + "/part") == 0 else {
                    throw KernelError("swap", volume)
                }
            }
        }
    }
    let seen = try await makeContainers(scene, runtime, on: volume)
    var followed = false
    for _ in 0..<100_000 where !followed {
        followed = (try? WholeFile.read(volume + "/part/file")) == Array("outside".utf8)
    }
    swapping.isOver.store(true, ordering: .relaxed)
    try await swaps
    checks.expect(followed, "the control: who follows the path is led out of the volume")
    checks.expect(seen.outside == 0, "no container is", "\(seen)")
    checks.expect(seen.inside > 0 && seen.refused > 0, "both ways of the link were met", "\(seen)")
}

private final class Swapping: Sendable {
    let isOver = Atomic(false)
}

/// Until one was given the directory and one was refused, and 40 at least.
private func makeContainers(
    _ scene: Scene, _ runtime: NodeRuntime, on volume: String
) async throws -> (inside: Int, outside: Int, refused: Int) {
    let pod = scene.pod("swaps")
    let sandbox = try await runtime.runPodSandbox(pod)
    var seen = (inside: 0, outside: 0, refused: 0)
    for number in 0..<400 where number < 40 || seen.inside == 0 || seen.refused == 0 {
        var config = scene.container(
            "main\(number)", ["sh", "-c", "case $(cat /part/file) in inside) exit 3 ;; outside) exit 4 ;; esac"])
        config.mounts = [CRI.Mount(hostPath: volume, containerPath: "/part")]
        config.mounts[0].subPath = "part"
        do {
            let ended = try await runtime.ended(try await runtime.start(config, in: sandbox, pod))
            switch ended.exitCode {
            case 3: seen.inside += 1
            case 4: seen.outside += 1
            default: throw Failure("a container ended with \(ended.exitCode)")
            }
        } catch let error as CRIError where "\(error)".contains("path part of a volume") {
            seen.refused += 1
        }
    }
    try await runtime.removePodSandbox(sandbox)
    return seen
}
