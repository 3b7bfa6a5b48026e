import CRI
import HTTP
import Protobuf

/// The runtime itself: its version, its state, how it is set up.
extension CRIEndpoint {
    static let stateCalls: [String: Call] = [
        "Version": query(version),
        "Status": query(status),
        "UpdateRuntimeConfig": query(updateRuntimeConfig),
        "RuntimeConfig": query(runtimeConfig),
        "CheckpointContainer": { _, _ throws(GRPCStatus) in
            throw GRPCStatus(.unimplemented, "containers cannot be checkpointed by this runtime")
        },
    ]

    @Sendable private static func version(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.VersionRequest>
    ) async throws(CRIError) -> Message<Wire.VersionResponse> {
        let version = try await endpoint.runtime.version()
        return Message {
            // That of the kubelet's side, which has been the same since there is a CRI.
            $0.version = "0.1.0"
            $0.runtimeName = version.name
            $0.runtimeVersion = version.version
            $0.runtimeAPIVersion = "v1"
        }
    }

    @Sendable private static func status(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.StatusRequest>
    ) async throws(CRIError) -> Message<Wire.StatusResponse> {
        let status = try await endpoint.runtime.status()
        let info = question.verbose ? ["config": try await endpoint.settings()] : [:]
        return Message { answer in
            answer.info = info
            answer.status = Message { wire in
                wire.conditions = status.conditions.map { condition in
                    Message {
                        $0.type = condition.type
                        $0.status = condition.isTrue
                        $0.reason = condition.reason
                        $0.message = condition.message
                    }
                }
            }
            answer.runtimeHandlers = [
                Message { handler in
                    handler.features = Message {
                        $0.recursiveReadOnlyMounts = true
                        $0.userNamespaces = status.hasUserNamespaces
                    }
                }
            ]
            answer.features = Message { $0.supplementalGroupsPolicy = status.hasStrictGroups }
        }
    }

    /// How this runtime is set up, for people: crictl prints it with its `info`.
    private func settings() async throws(CRIError) -> String {
        let version = try await runtime.version()
        let disk = try await images.imageFilesystem()
        return VerboseInfo.text([
            "runtimeName": .string(version.name), "runtimeVersion": .string(version.version),
            "cgroupDriver": "cgroupfs", "streamServer": .string(streamingAddress),
            "imageDirectory": .string(disk.path),
        ])
    }

    /// The kubelet tells the pods' network, which is set where this runtime is configured: nothing follows from it.
    @Sendable private static func updateRuntimeConfig(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.UpdateRuntimeConfigRequest>
    ) async throws(CRIError) -> Message<Wire.Empty> {
        if let network = question.runtimeConfig?.networkConfig?.podCIDR.nonEmpty {
            endpoint.logger.info(
                "a kubelet named a pod network; the one that is configured here stays",
                metadata: ["network": "\(network)"])
        }
        return Message()
    }

    @Sendable private static func runtimeConfig(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.Empty>
    ) async throws(CRIError) -> Message<Wire.RuntimeConfigResponse> {
        Message { $0.linux = Message { $0.cgroupDriver = .cgroupfs } }
    }
}
