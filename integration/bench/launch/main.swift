import ContainerRuntime
import Glibc
import Linux

/// Times create to exec'd: `ours MONITOR`, `peer RUNTIME DIRECTORY`, `filter FILE` (writes the default seccomp program).
@concurrent func run() async throws -> Int32 {
    let arguments = CommandLine.arguments
    signal(SIGPIPE, SIG_IGN)
    let rounds = 200
    switch (arguments.dropFirst().first, arguments.count) {
    case ("ours", 3):
        let bench = try OwnBench(monitor: arguments[2])
        do {
            try await bench.run(rounds: rounds)
            try await bench.measureMemory(containers: 20)
        } catch {
            print("bench: \(error)")
        }
        try bench.clean()
    case ("peer", 4): try PeerBench(runtime: arguments[2], directory: arguments[3]).run(rounds: rounds / 4)
    case ("filter", 3): try writeBytes(try defaultFilter().instructions, to: arguments[2])
    default:
        print("usage, as root: launch-bench ours MONITOR | peer RUNTIME DIRECTORY | filter FILE")
        return 2
    }
    return 0
}

func defaultFilter() throws -> SeccompProgram {
    let mask = CapabilitySets.containerDefault.bounding
    return try SeccompCompiler().program(for: .containerDefault(capabilities: mask))
}

func writeBytes(_ bytes: [UInt8], to path: String) throws {
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
    guard write(file.raw, bytes, bytes.count) == bytes.count else { throw KernelError("write", path) }
}

do {
    exit(try await run())
} catch {
    print("launch-bench: \(error)")
    exit(1)
}
