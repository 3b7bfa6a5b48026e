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
        let processID = try launcher(in: sandbox.id).processID
        for device in devices { try await give(device, to: sandbox.id, processID) }
    }

    /// The record tells before that it is about to go, and after that it has gone: a daemon that dies meanwhile leaves word of it.
    private func give(
        _ named: NamedNetworkDevice, to sandbox: String, _ processID: Int32
    ) async throws(CRIError) {
        let device = named.device
        let known = state.withLock { $0.sandboxes[sandbox]?.record.networkDevices[device.hostName] }
        if let known, try await isThere(known, processID) {
            guard known.name == device.name else { throw Self.refusal(named, "the pod has it as \(known.name)") }
            return
        }
        try await note(GivenNetworkDevice(name: device.name), of: device.hostName, in: sandbox)
        let outcome = try await threads.perform("give network device") {
            [self] () throws(CRIError) -> Result<Int32, KernelError> in
            do throws(KernelError) {
                return .success(try kernel.give(networkDevice: device.hostName, as: device.name, to: processID))
            } catch {
                return .failure(error)
            }
        }
        switch outcome {
        case .success(let number):
            try await note(GivenNetworkDevice(name: device.name, number: number), of: device.hostName, in: sandbox)
        case .failure(let error):
            // Another one may have the name there.
            let wasOnItsWay = known.map { $0.name == device.name && $0.number == nil } ?? false
            let mayHaveGone = wasOnItsWay || error.code != ENODEV && error.code != EEXIST
            let there = try await mayHaveGone ? devices(of: processID) : [:]
            let isUnfinished = there[device.name] != nil
            if !isUnfinished { try await note(nil, of: device.hostName, in: sandbox) }
            throw Self.refusal(named, isUnfinished ? Self.unfinished : Self.cause(error))
        }
    }

    private static let unfinished = "it went there before, and may be without its addresses; make the pod anew"

    private static func cause(_ error: KernelError) -> String {
        switch error.code {
        case ENODEV: "the node has none of that name"
        case EEXIST: "the pod has one of that name"
        default: KernelError.text(of: error.code)
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

    /// By its number, since another may have got the name. A name that the kernel completed is not known.
    private func isThere(_ device: GivenNetworkDevice, _ processID: Int32) async throws(CRIError) -> Bool {
        guard let number = device.number else { return false }
        return try await devices(of: processID).contains {
            $0.value == number && (device.name.contains("%") || $0.key == device.name)
        }
    }

    private func devices(of processID: Int32) async throws(CRIError) -> [String: Int32] {
        try await threads.perform("look up network devices") { [self] () throws(CRIError) -> [String: Int32] in
            try attempt("network devices of a pod") { () throws(KernelError) in
                try kernel.networkDevices(of: processID)
            }
        }
    }
}
