import Protobuf

/// The messages of the CRI (`runtime/v1`, api.proto of k8s.io/cri-api 1.36): one class declares the fields of one message with their numbers. What
/// concerns Windows alone is left out, and so skipped when it comes.
enum Wire {
    /// Answers and questions that say nothing.
    final class Empty: ProtobufFields {}

    final class Int64Value: ProtobufFields {
        let value = Scalar<Int64>(1)
    }

    final class UInt64Value: ProtobufFields {
        let value = Scalar<UInt64>(1)
    }

    final class KeyValue: ProtobufFields {
        let key = Scalar<String>(1)
        let value = Scalar<String>(2)
    }

    final class VersionRequest: ProtobufFields {
        let version = Scalar<String>(1)
    }

    final class VersionResponse: ProtobufFields {
        let version = Scalar<String>(1)
        let runtimeName = Scalar<String>(2)
        let runtimeVersion = Scalar<String>(3)
        let runtimeAPIVersion = Scalar<String>(4)
    }
}

// MARK: The runtime's own state

extension Wire {
    final class StatusRequest: ProtobufFields {
        let verbose = Scalar<Bool>(1)
    }

    final class StatusResponse: ProtobufFields {
        let status = Child<RuntimeStatus>(1)
        let info = TextMap(2)
        let runtimeHandlers = Children<RuntimeHandler>(3)
        let features = Child<RuntimeFeatures>(4)
    }

    final class RuntimeStatus: ProtobufFields {
        let conditions = Children<RuntimeCondition>(1)
    }

    final class RuntimeCondition: ProtobufFields {
        let type = Scalar<String>(1)
        let status = Scalar<Bool>(2)
        let reason = Scalar<String>(3)
        let message = Scalar<String>(4)
    }

    final class RuntimeHandler: ProtobufFields {
        let name = Scalar<String>(1)
        let features = Child<RuntimeHandlerFeatures>(2)
    }

    final class RuntimeHandlerFeatures: ProtobufFields {
        let recursiveReadOnlyMounts = Scalar<Bool>(1)
        let userNamespaces = Scalar<Bool>(2)
    }

    final class RuntimeFeatures: ProtobufFields {
        let supplementalGroupsPolicy = Scalar<Bool>(1)
        let userNamespacesHostNetwork = Scalar<Bool>(2)
    }

    final class UpdateRuntimeConfigRequest: ProtobufFields {
        let runtimeConfig = Child<RuntimeConfig>(1)
    }

    final class RuntimeConfig: ProtobufFields {
        let networkConfig = Child<NetworkConfig>(1)
    }

    final class NetworkConfig: ProtobufFields {
        let podCIDR = Scalar<String>(1)
    }

    final class RuntimeConfigResponse: ProtobufFields {
        let linux = Child<LinuxRuntimeConfiguration>(1)
    }

    final class LinuxRuntimeConfiguration: ProtobufFields {
        let cgroupDriver = Scalar<CgroupDriver>(1)
    }

    enum CgroupDriver: Int32, ProtobufEnumeration {
        case systemd = 0
        case cgroupfs = 1
        static let zero = systemd
    }
}

// MARK: Events

extension Wire {
    enum ContainerEventType: Int32, ProtobufEnumeration {
        case created = 0
        case started = 1
        case stopped = 2
        case deleted = 3
        static let zero = created
    }

    final class ContainerEventResponse: ProtobufFields {
        let containerID = Scalar<String>(1)
        let containerEventType = Scalar<ContainerEventType>(2)
        let createdAt = Scalar<Int64>(3)
        let podSandboxStatus = Child<PodSandboxStatus>(4)
        let containersStatuses = Children<ContainerStatus>(5)
    }
}
