import CRI
import Protobuf

extension ContainerStatus {
    /// As a list has it: without times, exit code and log.
    init(_ wire: Message<Wire.Container>) throws(CRIError) {
        guard let metadata = wire.metadata else { throw .failed("container \(wire.id) came without metadata") }
        self.init(
            id: wire.id, sandbox: wire.podSandboxID, metadata: ContainerMetadata(metadata),
            state: ContainerState(wire.state), createdAt: wire.createdAt, image: wire.image?.image ?? "",
            imageID: wire.imageID.nonEmpty ?? wire.imageRef)
        imageReference = wire.imageRef
        labels = wire.labels
        annotations = wire.annotations
    }

    /// - Parameter listed: the same container in a list, which alone names its sandbox, and in older runtimes its image's id.
    init(_ wire: Message<Wire.ContainerStatus>, listed: Message<Wire.Container>) throws(CRIError) {
        guard let metadata = wire.metadata else { throw .failed("container \(wire.id) came without metadata") }
        self.init(
            id: wire.id, sandbox: listed.podSandboxID, metadata: ContainerMetadata(metadata),
            state: ContainerState(wire.state), createdAt: wire.createdAt,
            image: wire.image?.userSpecifiedImage.nonEmpty ?? wire.image?.image ?? "",
            imageID: wire.imageID.nonEmpty ?? listed.imageID.nonEmpty ?? listed.imageRef.nonEmpty ?? wire.imageRef)
        imageReference = wire.imageRef.nonEmpty ?? imageID
        startedAt = wire.startedAt
        finishedAt = wire.finishedAt
        exitCode = wire.exitCode
        reason = wire.reason
        message = wire.message
        labels = wire.labels
        annotations = wire.annotations
        logPath = wire.logPath
        mounts = wire.mounts.compactMap { try? Mount($0) }
        resources = (wire.resources?.linux).map { ContainerResources($0) } ?? ContainerResources()
        user = (wire.user?.linux).map {
            ContainerUser(
                userID: UInt32(clamping: $0.uid), groupID: UInt32(clamping: $0.gid),
                supplementaryGroups: $0.supplementalGroups.map { UInt32(clamping: $0) })
        }
        stopSignal = wire.stopSignal.name
    }

    var listed: Message<Wire.Container> {
        Message { container in
            container.id = id
            container.podSandboxID = sandbox
            container.metadata = metadata.wire
            container.image = spec
            container.imageRef = imageID
            container.imageID = imageID
            container.state = state.wire
            container.createdAt = createdAt
            container.labels = labels
            container.annotations = annotations
        }
    }

    var wire: Message<Wire.ContainerStatus> {
        Message { status in
            status.id = id
            status.metadata = metadata.wire
            status.state = state.wire
            status.createdAt = createdAt
            status.startedAt = startedAt
            status.finishedAt = finishedAt
            status.exitCode = exitCode
            status.image = spec
            status.imageRef = imageReference
            status.imageID = imageID
            status.reason = reason
            status.message = message
            status.labels = labels
            status.annotations = annotations
            status.mounts = mounts.map(\.wire)
            status.logPath = logPath
            status.resources = Message { $0.linux = resources.wire }
            status.user = user.map { user in Message { $0.linux = user.wire } }
            status.stopSignal = Wire.Signal(name: stopSignal)
        }
    }

    private var spec: Message<Wire.ImageSpec> {
        Message {
            $0.image = image
            $0.userSpecifiedImage = image
        }
    }
}

extension ContainerUser {
    var wire: Message<Wire.LinuxContainerUser> {
        Message {
            $0.uid = Int64(userID)
            $0.gid = Int64(groupID)
            $0.supplementalGroups = supplementaryGroups.map(Int64.init)
        }
    }
}
