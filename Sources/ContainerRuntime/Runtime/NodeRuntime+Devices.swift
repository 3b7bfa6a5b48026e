import CRI
import Linux
import Logging

/// Network devices of the host's that containers ask for by name. They are the pod's until it is stopped: a container that is made again finds them.
extension NodeRuntime {
    /// The sandbox's turn is held.
    func give(_ devices: [NetworkDeviceEdit], to sandbox: String) async throws(CRIError) {
        for device in devices {
            let entry = try state.withLock { state throws(CRIError) in try state.sandbox(sandbox) }
            let refusal = "\(device.purpose): the pod cannot have network device \(device.hostName) as \(device.name)"
            guard entry.record.network != .node else { throw .unsupported("\(refusal): it is on the host's network") }
            if let there = entry.record.devices.first(where: { $0.hostName == device.hostName }) {
                guard there.name == device.name else { throw .invalid("\(refusal): it has it as \(there.name)") }
                continue
            }
            let monitor = try monitor(of: entry)
            let moved = try await inNetwork(of: monitor, refusal) { [kernel] namespace throws(KernelError) in
                try kernel.move(device: device.hostName, to: namespace, as: device.name)
            }
            change(sandbox: sandbox) { $0.record.devices.append(moved) }
            try await persist(sandbox: sandbox)
        }
    }

    /// The last first. One that cannot go back goes with the pod's network as the kernel has it: what is real comes back, under the name that it has by then.
    func takeDevicesBack(of sandbox: String, by monitor: any PodMonitoring) async {
        while let device = state.withLock({ $0.sandboxes[sandbox]?.record.devices.last }) {
            do throws(CRIError) {
                try await inNetwork(of: monitor, "sandbox \(sandbox)") { [kernel] namespace throws(KernelError) in
                    try kernel.takeBack(device, from: namespace)
                }
            } catch {
                logger.warning("network device not taken back", metadata: ["cause": "\(error)"])
            }
            change(sandbox: sandbox) { _ = $0.record.devices.popLast() }
        }
    }

    private func inNetwork<Value: Sendable>(
        of monitor: any PodMonitoring, _ purpose: String,
        _ body: @escaping @Sendable (Int32) throws(KernelError) -> Value
    ) async throws(CRIError) -> Value {
        try await threads.perform("move network device") { () throws(CRIError) in
            let namespace = try Self.namespace(of: monitor, purpose)
            return try attempt(purpose) { () throws(KernelError) in try body(namespace.raw) }
        }
    }

    private static func namespace(of monitor: any PodMonitoring, _ purpose: String) throws(CRIError) -> Descriptor {
        do throws(PodMonitorError) { return try monitor.networkNamespace() } catch {
            throw .failed("\(purpose): \(error)")
        }
    }
}
