import CRI
import Glibc
import Linux
import Logging
import OCI

/// Network devices that come with devices by name.
extension NodeRuntime {
    /// One after the other. What has gone is the pod's from then on: a further attempt, and any other container of the pod that asks for the same, finds it there.
    func give(_ devices: [NamedNetworkDevice], to sandbox: SandboxRecord) async throws(CRIError) {
        guard let first = devices.first else { return }
        guard sandbox.network != .node else {
            throw .invalid(
                "\(first.purpose): network device \(first.device.hostName) cannot be given to a pod that has the node's network"
            )
        }
        let namespace = try Self.networkNamespace(of: sandbox, try launcher(in: sandbox.id))
        for device in devices { try await give(device, to: sandbox.id, namespace) }
    }

    /// Hardware goes back to the node by the names that it had there, before the kernel gives it back as it is called in the pod; what is made by software ends
    /// with the namespace. The pod's containers have ended.
    func takeBackDevices(of sandbox: SandboxRecord, by monitor: any PodMonitoring) async {
        let devices = sandbox.networkDevices.sorted { $0.key < $1.key }
        if devices.isEmpty { return }
        do throws(CRIError) {
            let namespace = try Self.networkNamespace(of: sandbox, monitor)
            for (hostName, device) in devices {
                guard let number = device.number else { continue }
                do throws(CRIError) {
                    try await perform("take back network device") { (kernel) throws(KernelError) in
                        try kernel.takeBack(networkDevice: hostName, number: number, from: namespace)
                    }
                } catch {
                    tellLost(hostName, sandbox, error)
                }
            }
        } catch {
            tellLost(devices.map(\.key).joined(separator: ", "), sandbox, error)
        }
    }

    private func tellLost(_ device: String, _ sandbox: SandboxRecord, _ cause: CRIError) {
        logger.warning(
            "network device not taken back by its name",
            metadata: ["pod": "\(sandbox.podName)", "device": "\(device)", "cause": "\(cause)"])
    }

    private static func networkNamespace(
        of sandbox: SandboxRecord, _ monitor: any PodMonitoring
    ) throws(CRIError) -> SharedDescriptor {
        do throws(PodMonitorError) {
            return SharedDescriptor(try monitor.networkNamespace())
        } catch {
            throw .failed("pod \(sandbox.podName): \(error)")
        }
    }

    /// The record tells before that it is about to go, and after that it has gone: a daemon that dies meanwhile leaves word of it. What the record has is true
    /// of an earlier time, and stays until the device has gone again.
    private func give(
        _ named: NamedNetworkDevice, to sandbox: String, _ namespace: SharedDescriptor
    ) async throws(CRIError) {
        let device = named.device
        let known = state.withLock { $0.sandboxes[sandbox]?.record.networkDevices[device.hostName] }
        if let known, let name = try await name(of: known, in: namespace) {
            if let obstacle = known.obstacle(to: device.name, called: name) { throw Self.refusal(named, obstacle) }
            return
        }
        if known == nil { try await note(GivenNetworkDevice(name: device.name), of: device.hostName, in: sandbox) }
        switch try await move(device, to: namespace) {
        case .success(let number):
            try await note(GivenNetworkDevice(name: device.name, number: number), of: device.hostName, in: sandbox)
        case .failure(let failure):
            if let number = failure.number {
                let unfinished = GivenNetworkDevice(name: device.name, number: number, isUnfinished: true)
                try await note(unfinished, of: device.hostName, in: sandbox)
                throw Self.refusal(named, GivenNetworkDevice.unfinished)
            }
            let mayHaveGone = known.map { $0.number == nil } ?? false
            if let known, mayHaveGone, failure.code == ENODEV, try await has(known.name, in: namespace) {
                throw Self.refusal(named, GivenNetworkDevice.unfinished)
            }
            if known == nil || mayHaveGone { try await note(nil, of: device.hostName, in: sandbox) }
            throw Self.refusal(named, Self.cause(failure.code))
        }
    }

    private func move(
        _ device: LinuxSpecification.NetworkDevice, to namespace: SharedDescriptor
    ) async throws(CRIError) -> Result<Int32, NetworkDevices.Failure> {
        try await threads.perform("give network device") { [self] () throws(CRIError) in
            do throws(NetworkDevices.Failure) {
                return .success(try kernel.give(networkDevice: device.hostName, as: device.name, to: namespace))
            } catch {
                return .failure(error)
            }
        }
    }

    private static func cause(_ code: Int32) -> String {
        switch code {
        case ENODEV: "the node has none of that name"
        case EEXIST: "the pod has one of that name"
        default: KernelError.text(of: code)
        }
    }

    private static func refusal(_ named: NamedNetworkDevice, _ cause: String) -> CRIError {
        .failed(
            "\(named.purpose): network device \(named.device.hostName) cannot be given to the pod as \(named.device.name): \(cause)"
        )
    }

    private func note(
        _ device: GivenNetworkDevice?, of hostName: String, in sandbox: String
    ) async throws(CRIError) {
        change(sandbox: sandbox) { $0.record.networkDevices[hostName] = device }
        try await persist(sandbox: sandbox)
    }

    /// What it is called there now. It is looked for by its number, since another may have got its name.
    private func name(
        of device: GivenNetworkDevice, in namespace: SharedDescriptor
    ) async throws(CRIError) -> String? {
        guard let number = device.number else { return nil }
        return try await perform("look up network device") { (kernel) throws(KernelError) in
            try kernel.name(ofNetworkDevice: number, in: namespace)
        }
    }

    private func has(_ name: String, in namespace: SharedDescriptor) async throws(CRIError) -> Bool {
        try await perform("look up network device") { (kernel) throws(KernelError) in
            try kernel.hasNetworkDevice(name, in: namespace)
        }
    }

    private func perform<Value: Sendable>(
        _ operation: String, _ body: @escaping @Sendable (any RuntimeKernel) throws(KernelError) -> Value
    ) async throws(CRIError) -> Value {
        try await threads.perform(operation) { [kernel] () throws(CRIError) in
            try attempt("network devices of a pod") { () throws(KernelError) in try body(kernel) }
        }
    }
}

extension GivenNetworkDevice {
    fileprivate static let unfinished = "it went there before, and may be without its addresses; make the pod anew"

    /// What keeps a container from using one that is in the pod, where it is asked for as `wanted` and called `name`. A name that the kernel completed is not known.
    fileprivate func obstacle(to wanted: String, called name: String) -> String? {
        if isUnfinished { return Self.unfinished }
        if self.name != wanted { return "the pod has it as \(self.name)" }
        return name == wanted || wanted.contains("%") ? nil : "the pod has it, renamed \(name)"
    }
}
