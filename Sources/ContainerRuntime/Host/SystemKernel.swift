import Glibc
import Linux

/// The real kernel. Every call blocks.
package struct SystemKernel: RuntimeKernel {
    package func run(_ hook: HookProgram) throws(KernelError) -> (code: Int32, said: String)? { try hook.run() }

    package init() {}

    package func bootID() throws(KernelError) -> String {
        try readText("/proc/sys/kernel/random/boot_id").filter { !$0.isWhitespace }
    }

    package func hostName() -> String {
        var name = utsname()
        guard uname(&name) == 0 else { return "localhost" }
        return withUnsafeBytes(of: &name.nodename) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    package func hostFile(_ path: String) -> String {
        (try? WholeFile.read(path, limit: 256 << 10)).map { Self.text($0) } ?? ""
    }

    // MARK: Mounts

    package func mountSharedMemory(_ path: String, bytes: Int64) throws(KernelError) {
        try WholeFile.makeDirectories(path, mode: 0o700)
        try HostMount.tmpfs(at: path, options: ["mode": "755", "size": String(bytes)])
        let shared = path + "/shm"
        guard mkdir(shared, 0o700) == 0, chmod(shared, 0o1777) == 0 else { throw KernelError("mkdir", shared) }
    }

    package func give(_ path: String, user: UInt32, group: UInt32) throws(KernelError) {
        guard lchown(path, user, group) == 0 else { throw KernelError("chown", path) }
    }

    package func give(
        networkDevice device: String, as name: String, to namespace: SharedDescriptor
    ) throws(NetworkDevices.Failure) -> Int32 {
        try NetworkDevices.give(device, as: name, to: namespace)
    }

    package func takeBack(
        networkDevice device: String, number: Int32, from namespace: SharedDescriptor
    ) throws(KernelError) {
        try NetworkDevices.takeBack(device, number: number, from: namespace)
    }

    package func name(
        ofNetworkDevice number: Int32, in namespace: SharedDescriptor
    ) throws(KernelError) -> String? {
        try NetworkDevices.name(of: number, in: namespace)
    }

    package func hasNetworkDevice(_ name: String, in namespace: SharedDescriptor) throws(KernelError) -> Bool {
        try NetworkDevices.has(name, in: namespace)
    }

    package func obstacleToMapping(on directory: String?) -> KernelError? { UserMaps.obstacle(on: directory) }

    package func unmount(_ path: FilePath) throws(KernelError) {
        try HostMount.detach(path)
    }

    package func mounts(beneath path: String) throws(KernelError) -> [FilePath] {
        try MountTable.places(beneath: path)
    }

    static func text(_ bytes: [UInt8]) -> String {
        String(decoding: bytes, as: UTF8.self)
    }
}
