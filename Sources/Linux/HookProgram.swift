import CLaunch
import Glibc
import Launch

/// A hook of a container that the daemon runs in its own namespaces.
package struct HookProgram: Sendable {
    package var path: String
    /// With the program's name first.
    package var arguments: [String]
    package var environment: [String]
    /// Where it runs, if that is there.
    package var directory: String
    /// At most 64 KiB.
    package var input: [UInt8]
    /// An existing directory.
    package var cgroup: String
    package var milliseconds: Int32

    package init(
        path: String, arguments: [String], environment: [String], directory: String, input: [UInt8], cgroup: String,
        milliseconds: Int32
    ) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
        self.input = input
        self.cgroup = cgroup
        self.milliseconds = milliseconds
    }

    /// Runs it to its end, on a thread of its own: it is killed where that ends. Blocks. One that hangs in the kernel once it is killed is left to a further
    /// thread, which lives as long as it.
    /// - Returns: nil where it ended with 0, else its exit code with what it wrote to its standard error.
    /// - Throws: where it cannot be run; ETIMEDOUT where it was killed for its time.
    package func run() throws(KernelError) -> (code: Int32, said: String)? {
        let group = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if group < 0 { throw KernelError("open", cgroup) }
        defer { close(group) }
        var text = [CChar](repeating: 0, count: 256)
        let words = [path, directory] + arguments + environment
        let copies = words.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        let argv = copies[2..<2 + arguments.count] + [nil]
        let envp = copies[(2 + arguments.count)...] + [nil]
        var left: Int32 = -1
        let code = argv.withUnsafeBufferPointer { argv in
            envp.withUnsafeBufferPointer { envp in
                input.withUnsafeBytes { input in
                    var order = crt_hook()
                    order.path = UnsafePointer(copies[0])
                    order.directory = UnsafePointer(copies[1])
                    order.argv = argv.baseAddress
                    order.envp = envp.baseAddress
                    order.input = input.baseAddress
                    order.input_size = UInt64(input.count)
                    order.milliseconds = milliseconds
                    order.pidfd = -1
                    order.cgroup = group
                    return withUnsafeMutablePointer(to: &left) { left in
                        order.left = left
                        return crt_run_hook(&order, &text, UInt64(text.count))
                    }
                }
            }
        }
        // Or it would be a zombie of ours from when it ends on.
        if left >= 0 {
            let begun = NativeThread.begin { [left] in
                crt_end(left)
                close(left)
            }
            if begun != 0 { close(left) }
        }
        if code == 0 { return nil }
        guard code > 0 else { throw KernelError("run", path, -code) }
        let said = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return (code, said)
    }
}
