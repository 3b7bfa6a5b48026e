import CLaunch
import Glibc
import Launch
import OCISpecification

/// The network devices that a container is given. Where it does not come about they go back: with its network namespace they would be gone, or
/// stay in somebody else's.
final class GivenDevices {
    /// The container's; while this is there, so are the devices.
    private var namespace: Descriptor?
    private var moved: [crt_moved] = []

    deinit {
        for index in moved.indices { crt_forget_device(&moved[index]) }
    }

    /// One after the other; an error names the one that cannot go.
    func give(_ devices: [LinuxSpecification.NetworkDevice], to processID: Int32) throws(OCIRuntimeError) {
        if devices.isEmpty { return }
        let target = try kernel { () throws(KernelError) in
            try Descriptor.open("/proc/\(processID)/ns/net", O_RDONLY)
        }
        let raw = target.raw
        namespace = consume target
        for device in devices {
            var one = crt_moved()
            let code = crt_move_device(device.hostName, raw, device.name, &one)
            if one.number != 0 { moved.append(one) } else { crt_forget_device(&one) }
            guard code == 0 else {
                throw .unsupported(
                    field: "linux.netDevices.\(device.hostName)",
                    cause: "it cannot be given to the container as \(device.name): \(KernelError.text(of: -code))")
            }
        }
    }

    /// The last first, by the names that they had; one that cannot is told.
    func takeBack(_ log: RuntimeLog) {
        guard let raw = namespace?.raw else { return }
        while var one = moved.popLast() {
            defer { crt_forget_device(&one) }
            let code = crt_return_device(&one, raw)
            if code == 0 { continue }
            let name = withUnsafeBytes(of: one.old_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            let what = one.number == 0 ? "is back, but not as it was" : "cannot be taken back"
            log.warning("network device \(name) \(what): \(KernelError.text(of: -code))")
        }
    }
}
