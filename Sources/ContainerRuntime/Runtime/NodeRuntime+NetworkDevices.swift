import CRI
import Glibc
import Linux
import OCI

/// Network devices that come with devices by name.
extension NodeRuntime {
    /// One after the other. What has gone is the pod's from then on: a further attempt, and any other container of the pod that asks for the same, finds it there.
    /// It leaves the pod with its network namespace, when the kernel gives hardware back to the node, and ends what is made by software.
    func give(_ devices: [NamedNetworkDevice], to sandbox: SandboxRecord) async throws(CRIError) {
        guard let first = devices.first else { return }
        guard sandbox.network != .node else {
            throw .invalid(
                "\(first.purpose): network device \(first.device.hostName) cannot be given to a pod that has the node's network"
            )
        }
        let known = state.withLock { $0.sandboxes[sandbox.id]?.record.networkDevices } ?? [:]
        let processID = try launcher(in: sandbox.id).processID
        // Before any goes, so that a daemon that dies meanwhile leaves word of it.
        state.withLock { state in
            for device in devices.map(\.device) {
                state.sandboxes[sandbox.id]?.record.networkDevices[device.hostName] = device.name
            }
        }
        try await persist(sandbox: sandbox.id)
        try await threads.perform("give network devices") { [self] () throws(CRIError) in
            for device in devices { try give(device, to: processID, known: known) }
        }
    }

    /// - Parameter known: what may have gone there before. The node's own device counts, if it has one.
    private func give(_ named: NamedNetworkDevice, to processID: Int32, known: [String: String]) throws(CRIError) {
        let device = named.device
        do throws(KernelError) {
            try kernel.give(networkDevice: device.hostName, as: device.name, to: processID)
        } catch {
            if error.code == ENODEV, known[device.hostName] == device.name, isThere(device.name, processID) { return }
            let cause =
                switch error.code {
                case ENODEV: "the node has none of that name"
                case EEXIST: "the pod has one of that name"
                default: KernelError.text(of: error.code)
                }
            throw .failed(
                "\(named.purpose): network device \(device.hostName) cannot be given to the pod as \(device.name): \(cause)"
            )
        }
    }

    /// A name that the kernel completed is not known.
    private func isThere(_ name: String, _ processID: Int32) -> Bool {
        name.contains("%") || (try? kernel.networkDevices(of: processID))?.contains(name) == true
    }
}
