import Protobuf

// MARK: What a sandbox is asked to be

extension Wire {
    final class PodSandboxMetadata: ProtobufFields {
        let name = Scalar<String>(1)
        let uid = Scalar<String>(2)
        let namespace = Scalar<String>(3)
        let attempt = Scalar<UInt32>(4)
    }

    final class PodSandboxConfig: ProtobufFields {
        let metadata = Child<PodSandboxMetadata>(1)
        let hostname = Scalar<String>(2)
        let logDirectory = Scalar<String>(3)
        let dnsConfig = Child<DNSConfig>(4)
        let portMappings = Children<PortMapping>(5)
        let labels = TextMap(6)
        let annotations = TextMap(7)
        let linux = Child<LinuxPodSandboxConfig>(8)
    }

    final class DNSConfig: ProtobufFields {
        let servers = Texts(1)
        let searches = Texts(2)
        let options = Texts(3)
    }

    enum TransportProtocol: Int32, ProtobufEnumeration {
        case tcp = 0
        case udp = 1
        case sctp = 2
        static let zero = tcp
        static let protobufName = "Protocol"
    }

    final class PortMapping: ProtobufFields {
        let `protocol` = Scalar<TransportProtocol>(1)
        let containerPort = Scalar<Int32>(2)
        let hostPort = Scalar<Int32>(3)
        let hostIP = Scalar<String>(4)
    }

    final class LinuxPodSandboxConfig: ProtobufFields {
        let cgroupParent = Scalar<String>(1)
        let securityContext = Child<LinuxSandboxSecurityContext>(2)
        let sysctls = TextMap(3)
        let overhead = Child<LinuxContainerResources>(4)
        let resources = Child<LinuxContainerResources>(5)
    }

    final class LinuxSandboxSecurityContext: ProtobufFields {
        let namespaceOptions = Child<NamespaceOption>(1)
        let selinuxOptions = Child<SELinuxOption>(2)
        let runAsUser = Child<Int64Value>(3)
        let readonlyRootfs = Scalar<Bool>(4)
        let supplementalGroups = Numbers<Int64>(5)
        let privileged = Scalar<Bool>(6)
        let seccompProfilePath = Scalar<String>(7)
        let runAsGroup = Child<Int64Value>(8)
        let seccomp = Child<SecurityProfile>(9)
        let apparmor = Child<SecurityProfile>(10)
        let supplementalGroupsPolicy = Scalar<SupplementalGroupsPolicy>(11)
    }

    enum NamespaceMode: Int32, ProtobufEnumeration {
        case pod = 0
        case container = 1
        case node = 2
        case target = 3
        static let zero = pod
    }

    final class NamespaceOption: ProtobufFields {
        let network = Scalar<NamespaceMode>(1)
        let pid = Scalar<NamespaceMode>(2)
        let ipc = Scalar<NamespaceMode>(3)
        let targetID = Scalar<String>(4)
        let usernsOptions = Child<UserNamespace>(5)
    }

    final class UserNamespace: ProtobufFields {
        let mode = Scalar<NamespaceMode>(1)
        let uids = Children<IDMapping>(2)
        let gids = Children<IDMapping>(3)
    }

    final class IDMapping: ProtobufFields {
        let hostID = Scalar<UInt32>(1)
        let containerID = Scalar<UInt32>(2)
        let length = Scalar<UInt32>(3)
    }

    enum SupplementalGroupsPolicy: Int32, ProtobufEnumeration {
        case merge = 0
        case strict = 1
        static let zero = merge
    }

    final class SELinuxOption: ProtobufFields {
        let user = Scalar<String>(1)
        let role = Scalar<String>(2)
        let type = Scalar<String>(3)
        let level = Scalar<String>(4)
    }

    final class SecurityProfile: ProtobufFields {
        let profileType = Scalar<ProfileType>(1)
        let localhostRef = Scalar<String>(2)
    }

    enum ProfileType: Int32, ProtobufEnumeration {
        case runtimeDefault = 0
        case unconfined = 1
        case localhost = 2
        static let zero = runtimeDefault
    }
}

// MARK: Calls

extension Wire {
    final class RunPodSandboxRequest: ProtobufFields {
        let config = Child<PodSandboxConfig>(1)
        let runtimeHandler = Scalar<String>(2)
    }

    /// Of the calls that name a sandbox, or give its name, and no more.
    final class SandboxID: ProtobufFields {
        let podSandboxID = Scalar<String>(1)
    }

    final class PodSandboxStatusRequest: ProtobufFields {
        let podSandboxID = Scalar<String>(1)
        let verbose = Scalar<Bool>(2)
    }

    final class ListPodSandboxRequest: ProtobufFields {
        let filter = Child<PodSandboxFilter>(1)
    }

    final class PodSandboxFilter: ProtobufFields {
        let id = Scalar<String>(1)
        let state = Child<PodSandboxStateValue>(2)
        let labelSelector = TextMap(3)
    }

    final class PodSandboxStateValue: ProtobufFields {
        let state = Scalar<PodSandboxState>(1)
    }

    enum PodSandboxState: Int32, ProtobufEnumeration {
        case ready = 0
        case notReady = 1
        static let zero = ready
    }

    /// Of `ListPodSandbox` (items) and of `StreamPodSandboxes`: both have their list in field 1.
    final class ListPodSandboxResponse: ProtobufFields {
        let items = Children<PodSandbox>(1)
    }

    final class UpdatePodSandboxResourcesRequest: ProtobufFields {
        let podSandboxID = Scalar<String>(1)
        let overhead = Child<LinuxContainerResources>(2)
        let resources = Child<LinuxContainerResources>(3)
    }

    final class PortForwardRequest: ProtobufFields {
        let podSandboxID = Scalar<String>(1)
        let port = Numbers<Int32>(2)
    }

    /// Of Exec, Attach and PortForward.
    final class URLResponse: ProtobufFields {
        let url = Scalar<String>(1)
    }
}

// MARK: What a sandbox is

extension Wire {
    final class PodSandbox: ProtobufFields {
        let id = Scalar<String>(1)
        let metadata = Child<PodSandboxMetadata>(2)
        let state = Scalar<PodSandboxState>(3)
        let createdAt = Scalar<Int64>(4)
        let labels = TextMap(5)
        let annotations = TextMap(6)
        let runtimeHandler = Scalar<String>(7)
    }

    final class PodSandboxStatusResponse: ProtobufFields {
        let status = Child<PodSandboxStatus>(1)
        let info = TextMap(2)
        let containersStatuses = Children<ContainerStatus>(3)
        let timestamp = Scalar<Int64>(4)
    }

    final class PodSandboxStatus: ProtobufFields {
        let id = Scalar<String>(1)
        let metadata = Child<PodSandboxMetadata>(2)
        let state = Scalar<PodSandboxState>(3)
        let createdAt = Scalar<Int64>(4)
        let network = Child<PodSandboxNetworkStatus>(5)
        let linux = Child<LinuxPodSandboxStatus>(6)
        let labels = TextMap(7)
        let annotations = TextMap(8)
        let runtimeHandler = Scalar<String>(9)
    }

    final class PodSandboxNetworkStatus: ProtobufFields {
        let ip = Scalar<String>(1)
        let additionalIPs = Children<PodIP>(2)
    }

    final class PodIP: ProtobufFields {
        let ip = Scalar<String>(1)
    }

    final class LinuxPodSandboxStatus: ProtobufFields {
        let namespaces = Child<Namespace>(1)
    }

    final class Namespace: ProtobufFields {
        let options = Child<NamespaceOption>(2)
    }
}
