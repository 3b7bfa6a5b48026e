import Protobuf

// MARK: What a container is asked to be

extension Wire {
    final class ContainerMetadata: ProtobufFields {
        let name = Scalar<String>(1)
        let attempt = Scalar<UInt32>(2)
    }

    final class ContainerConfig: ProtobufFields {
        let metadata = Child<ContainerMetadata>(1)
        let image = Child<ImageSpec>(2)
        let command = Texts(3)
        let args = Texts(4)
        let workingDir = Scalar<String>(5)
        let envs = Children<KeyValue>(6)
        let mounts = Children<Mount>(7)
        let devices = Children<Device>(8)
        let labels = TextMap(9)
        let annotations = TextMap(10)
        let logPath = Scalar<String>(11)
        let stdin = Scalar<Bool>(12)
        let stdinOnce = Scalar<Bool>(13)
        let tty = Scalar<Bool>(14)
        let linux = Child<LinuxContainerConfig>(15)
        let cdiDevices = Children<CDIDevice>(17)
        let stopSignal = Scalar<Signal>(18)
    }

    enum MountPropagation: Int32, ProtobufEnumeration {
        case `private` = 0
        case hostToContainer = 1
        case bidirectional = 2
        static let zero = `private`
    }

    final class Mount: ProtobufFields {
        let containerPath = Scalar<String>(1)
        let hostPath = Scalar<String>(2)
        let readonly = Scalar<Bool>(3)
        let selinuxRelabel = Scalar<Bool>(4)
        let propagation = Scalar<MountPropagation>(5)
        let uidMappings = Children<IDMapping>(6)
        let gidMappings = Children<IDMapping>(7)
        let recursiveReadOnly = Scalar<Bool>(8)
        let image = Child<ImageSpec>(9)
        let imageSubPath = Scalar<String>(10)
    }

    final class Device: ProtobufFields {
        let containerPath = Scalar<String>(1)
        let hostPath = Scalar<String>(2)
        let permissions = Scalar<String>(3)
    }

    final class CDIDevice: ProtobufFields {
        let name = Scalar<String>(1)
    }

    final class LinuxContainerConfig: ProtobufFields {
        let resources = Child<LinuxContainerResources>(1)
        let securityContext = Child<LinuxContainerSecurityContext>(2)
    }

    final class LinuxContainerResources: ProtobufFields {
        let cpuPeriod = Scalar<Int64>(1)
        let cpuQuota = Scalar<Int64>(2)
        let cpuShares = Scalar<Int64>(3)
        let memoryLimitInBytes = Scalar<Int64>(4)
        let oomScoreAdj = Scalar<Int64>(5)
        let cpusetCPUs = Scalar<String>(6)
        let cpusetMems = Scalar<String>(7)
        let hugepageLimits = Children<HugepageLimit>(8)
        let unified = TextMap(9)
        let memorySwapLimitInBytes = Scalar<Int64>(10)
    }

    final class HugepageLimit: ProtobufFields {
        let pageSize = Scalar<String>(1)
        let limit = Scalar<UInt64>(2)
    }

    final class LinuxContainerSecurityContext: ProtobufFields {
        let capabilities = Child<Capability>(1)
        let privileged = Scalar<Bool>(2)
        let namespaceOptions = Child<NamespaceOption>(3)
        let selinuxOptions = Child<SELinuxOption>(4)
        let runAsUser = Child<Int64Value>(5)
        let runAsUsername = Scalar<String>(6)
        let readonlyRootfs = Scalar<Bool>(7)
        let supplementalGroups = Numbers<Int64>(8)
        let apparmorProfile = Scalar<String>(9)
        let seccompProfilePath = Scalar<String>(10)
        let noNewPrivs = Scalar<Bool>(11)
        let runAsGroup = Child<Int64Value>(12)
        let maskedPaths = Texts(13)
        let readonlyPaths = Texts(14)
        let seccomp = Child<SecurityProfile>(15)
        let apparmor = Child<SecurityProfile>(16)
        let supplementalGroupsPolicy = Scalar<SupplementalGroupsPolicy>(17)
    }

    final class Capability: ProtobufFields {
        let addCapabilities = Texts(1)
        let dropCapabilities = Texts(2)
        let addAmbientCapabilities = Texts(3)
    }
}

// MARK: Calls

extension Wire {
    final class CreateContainerRequest: ProtobufFields {
        let podSandboxID = Scalar<String>(1)
        let config = Child<ContainerConfig>(2)
        let sandboxConfig = Child<PodSandboxConfig>(3)
    }

    /// Of the calls that name a container, or give its name, and no more.
    final class ContainerID: ProtobufFields {
        let containerID = Scalar<String>(1)
    }

    final class StopContainerRequest: ProtobufFields {
        let containerID = Scalar<String>(1)
        let timeout = Scalar<Int64>(2)
    }

    enum ContainerState: Int32, ProtobufEnumeration {
        case created = 0
        case running = 1
        case exited = 2
        case unknown = 3
        static let zero = created
    }

    final class ContainerStateValue: ProtobufFields {
        let state = Scalar<ContainerState>(1)
    }

    final class ContainerFilter: ProtobufFields {
        let id = Scalar<String>(1)
        let state = Child<ContainerStateValue>(2)
        let podSandboxID = Scalar<String>(3)
        let labelSelector = TextMap(4)
    }

    final class ListContainersRequest: ProtobufFields {
        let filter = Child<ContainerFilter>(1)
    }

    final class ListContainersResponse: ProtobufFields {
        let containers = Children<Container>(1)
    }

    final class ContainerStatusRequest: ProtobufFields {
        let containerID = Scalar<String>(1)
        let verbose = Scalar<Bool>(2)
    }

    final class UpdateContainerResourcesRequest: ProtobufFields {
        let containerID = Scalar<String>(1)
        let linux = Child<LinuxContainerResources>(2)
        let annotations = TextMap(4)
    }

    final class ExecSyncRequest: ProtobufFields {
        let containerID = Scalar<String>(1)
        let cmd = Texts(2)
        let timeout = Scalar<Int64>(3)
    }

    final class ExecSyncResponse: ProtobufFields {
        let stdout = Scalar<[UInt8]>(1)
        let stderr = Scalar<[UInt8]>(2)
        let exitCode = Scalar<Int32>(3)
    }

    final class ExecRequest: ProtobufFields {
        let containerID = Scalar<String>(1)
        let cmd = Texts(2)
        let tty = Scalar<Bool>(3)
        let stdin = Scalar<Bool>(4)
        let stdout = Scalar<Bool>(5)
        let stderr = Scalar<Bool>(6)
        let auditRequestID = Scalar<String>(7)
    }

    final class AttachRequest: ProtobufFields {
        let containerID = Scalar<String>(1)
        let stdin = Scalar<Bool>(2)
        let tty = Scalar<Bool>(3)
        let stdout = Scalar<Bool>(4)
        let stderr = Scalar<Bool>(5)
        let auditRequestID = Scalar<String>(6)
    }
}

// MARK: What a container is

extension Wire {
    final class Container: ProtobufFields {
        let id = Scalar<String>(1)
        let podSandboxID = Scalar<String>(2)
        let metadata = Child<ContainerMetadata>(3)
        let image = Child<ImageSpec>(4)
        let imageRef = Scalar<String>(5)
        let state = Scalar<ContainerState>(6)
        let createdAt = Scalar<Int64>(7)
        let labels = TextMap(8)
        let annotations = TextMap(9)
        let imageID = Scalar<String>(10)
    }

    final class ContainerStatusResponse: ProtobufFields {
        let status = Child<ContainerStatus>(1)
        let info = TextMap(2)
    }

    final class ContainerStatus: ProtobufFields {
        let id = Scalar<String>(1)
        let metadata = Child<ContainerMetadata>(2)
        let state = Scalar<ContainerState>(3)
        let createdAt = Scalar<Int64>(4)
        let startedAt = Scalar<Int64>(5)
        let finishedAt = Scalar<Int64>(6)
        let exitCode = Scalar<Int32>(7)
        let image = Child<ImageSpec>(8)
        let imageRef = Scalar<String>(9)
        let reason = Scalar<String>(10)
        let message = Scalar<String>(11)
        let labels = TextMap(12)
        let annotations = TextMap(13)
        let mounts = Children<Mount>(14)
        let logPath = Scalar<String>(15)
        let resources = Child<ContainerResources>(16)
        let imageID = Scalar<String>(17)
        let user = Child<ContainerUser>(18)
        let stopSignal = Scalar<Signal>(19)
    }

    final class ContainerResources: ProtobufFields {
        let linux = Child<LinuxContainerResources>(1)
    }

    final class ContainerUser: ProtobufFields {
        let linux = Child<LinuxContainerUser>(1)
    }

    final class LinuxContainerUser: ProtobufFields {
        let uid = Scalar<Int64>(1)
        let gid = Scalar<Int64>(2)
        let supplementalGroups = Numbers<Int64>(3)
    }
}
