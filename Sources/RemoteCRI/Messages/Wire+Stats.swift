import Protobuf

// MARK: Usage

extension Wire {
    final class ContainerStatsFilter: ProtobufFields {
        let id = Scalar<String>(1)
        let podSandboxID = Scalar<String>(2)
        let labelSelector = TextMap(3)
    }

    final class ListContainerStatsRequest: ProtobufFields {
        let filter = Child<ContainerStatsFilter>(1)
    }

    final class ContainerStatsResponse: ProtobufFields {
        let stats = Child<ContainerStats>(1)
    }

    final class ListContainerStatsResponse: ProtobufFields {
        let stats = Children<ContainerStats>(1)
    }

    final class ContainerStats: ProtobufFields {
        let attributes = Child<ContainerAttributes>(1)
        let cpu = Child<CpuUsage>(2)
        let memory = Child<MemoryUsage>(3)
        let writableLayer = Child<FilesystemUsage>(4)
        let swap = Child<SwapUsage>(5)
        let io = Child<IoUsage>(6)
    }

    final class ContainerAttributes: ProtobufFields {
        let id = Scalar<String>(1)
        let metadata = Child<ContainerMetadata>(2)
        let labels = TextMap(3)
        let annotations = TextMap(4)
    }

    final class PodSandboxStatsFilter: ProtobufFields {
        let id = Scalar<String>(1)
        let labelSelector = TextMap(2)
    }

    final class ListPodSandboxStatsRequest: ProtobufFields {
        let filter = Child<PodSandboxStatsFilter>(1)
    }

    final class PodSandboxStatsResponse: ProtobufFields {
        let stats = Child<PodSandboxStats>(1)
    }

    final class ListPodSandboxStatsResponse: ProtobufFields {
        let stats = Children<PodSandboxStats>(1)
    }

    final class PodSandboxStats: ProtobufFields {
        let attributes = Child<PodSandboxAttributes>(1)
        let linux = Child<LinuxPodSandboxStats>(2)
    }

    final class PodSandboxAttributes: ProtobufFields {
        let id = Scalar<String>(1)
        let metadata = Child<PodSandboxMetadata>(2)
        let labels = TextMap(3)
        let annotations = TextMap(4)
    }

    final class LinuxPodSandboxStats: ProtobufFields {
        let cpu = Child<CpuUsage>(1)
        let memory = Child<MemoryUsage>(2)
        let network = Child<NetworkUsage>(3)
        let process = Child<ProcessUsage>(4)
        let containers = Children<ContainerStats>(5)
        let io = Child<IoUsage>(6)
    }

    final class CpuUsage: ProtobufFields {
        let timestamp = Scalar<Int64>(1)
        let usageCoreNanoSeconds = Child<UInt64Value>(2)
        let usageNanoCores = Child<UInt64Value>(3)
        let psi = Child<PsiStats>(4)
    }

    final class MemoryUsage: ProtobufFields {
        let timestamp = Scalar<Int64>(1)
        let workingSetBytes = Child<UInt64Value>(2)
        let availableBytes = Child<UInt64Value>(3)
        let usageBytes = Child<UInt64Value>(4)
        let rssBytes = Child<UInt64Value>(5)
        let pageFaults = Child<UInt64Value>(6)
        let majorPageFaults = Child<UInt64Value>(7)
        let psi = Child<PsiStats>(8)
    }

    final class IoUsage: ProtobufFields {
        let timestamp = Scalar<Int64>(1)
        let psi = Child<PsiStats>(2)
    }

    final class SwapUsage: ProtobufFields {
        let timestamp = Scalar<Int64>(1)
        let swapAvailableBytes = Child<UInt64Value>(2)
        let swapUsageBytes = Child<UInt64Value>(3)
    }

    final class PsiStats: ProtobufFields {
        let full = Child<PsiData>(1)
        let some = Child<PsiData>(2)
    }

    final class PsiData: ProtobufFields {
        let total = Scalar<UInt64>(1)
        let avg10 = Scalar<Double>(2)
        let avg60 = Scalar<Double>(3)
        let avg300 = Scalar<Double>(4)
    }

    final class NetworkUsage: ProtobufFields {
        let timestamp = Scalar<Int64>(1)
        let defaultInterface = Child<NetworkInterfaceUsage>(2)
        let interfaces = Children<NetworkInterfaceUsage>(3)
    }

    final class NetworkInterfaceUsage: ProtobufFields {
        let name = Scalar<String>(1)
        let rxBytes = Child<UInt64Value>(2)
        let rxErrors = Child<UInt64Value>(3)
        let txBytes = Child<UInt64Value>(4)
        let txErrors = Child<UInt64Value>(5)
    }

    final class ProcessUsage: ProtobufFields {
        let timestamp = Scalar<Int64>(1)
        let processCount = Child<UInt64Value>(2)
    }
}

// MARK: Metrics

extension Wire {
    final class ListMetricDescriptorsResponse: ProtobufFields {
        let descriptors = Children<MetricDescriptor>(1)
    }

    final class MetricDescriptor: ProtobufFields {
        let name = Scalar<String>(1)
        let help = Scalar<String>(2)
        let labelKeys = Texts(3)
    }

    final class ListPodSandboxMetricsResponse: ProtobufFields {
        let podMetrics = Children<PodSandboxMetrics>(1)
    }

    final class PodSandboxMetrics: ProtobufFields {
        let podSandboxID = Scalar<String>(1)
        let metrics = Children<Metric>(2)
        let containerMetrics = Children<ContainerMetrics>(3)
    }

    final class ContainerMetrics: ProtobufFields {
        let containerID = Scalar<String>(1)
        let metrics = Children<Metric>(2)
    }

    enum MetricType: Int32, ProtobufEnumeration {
        case counter = 0
        case gauge = 1
        static let zero = counter
    }

    final class Metric: ProtobufFields {
        let name = Scalar<String>(1)
        let timestamp = Scalar<Int64>(2)
        let metricType = Scalar<MetricType>(3)
        let labelValues = Texts(4)
        let value = Child<UInt64Value>(5)
    }
}
