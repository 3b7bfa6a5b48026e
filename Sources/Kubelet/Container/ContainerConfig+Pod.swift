import APIMachinery
import CRI
import KubernetesAPI

/// The labels and annotations that the kubelet keeps on its containers (upstream's names where it has one, so that other tools understand them).
package enum ContainerLabel {
    static let podName = "io.kubernetes.pod.name"
    static let podNamespace = "io.kubernetes.pod.namespace"
    static let podUID = "io.kubernetes.pod.uid"
    static let containerName = "io.kubernetes.container.name"
    static let terminationMessage = "io.kubernetes.container.terminationMessageFile"
    static let terminationPolicy = "io.kubernetes.container.terminationMessagePolicy"
    /// Seconds that the pod's containers have to end.
    package static let terminationGrace = "io.kubernetes.pod.terminationGracePeriod"
    /// Seconds that the container waits after its end before it is started again.
    static let restartDelay = "swiftlet.dev/restart-delay"
    /// The image as the pod called it.
    static let image = "swiftlet.dev/image"
}

extension CRI.ContainerStatus {
    /// The image that it was made of, as its pod called it then; nil where that was not noted.
    var askedImage: String? { annotations[ContainerLabel.image] }
}

extension ContainerConfig {
    /// What the runtime is asked for to run `container` of `pod`. Pure.
    init(
        _ container: Container, of pod: Pod, attempt: UInt32, _ program: ContainerProgram,
        mounts: [Mount], terminationFile: String
    ) {
        self.init(
            metadata: ContainerMetadata(name: container.name, attempt: attempt), image: container.image ?? "")
        command = program.command
        arguments = program.arguments
        workingDirectory = container.workingDir ?? ""
        environment = program.environment
        self.mounts = mounts
        logPath = "\(container.name)/\(attempt).log"
        standardInput = container.stdin
        standardInputOnce = container.stdinOnce
        terminal = container.tty
        resources = ContainerResources(container)
        security = ContainerSecurity(container.securityContext, pod: pod.spec.securityContext)
        security.hasStrictGroups = pod.hasStrictGroups
        security.appArmor = pod.appArmorProfile(of: container).map(ContainerSecurity.AppArmor.init)
        stopSignal = container.lifecycle?.stopSignal
        labels = [
            ContainerLabel.podName: pod.metadata.name,
            ContainerLabel.podNamespace: pod.metadata.namespace,
            ContainerLabel.podUID: pod.metadata.uid,
            ContainerLabel.containerName: container.name,
        ]
        annotations = [
            ContainerLabel.terminationMessage: terminationFile,
            ContainerLabel.terminationPolicy: container.terminationMessagePolicy,
            ContainerLabel.terminationGrace: String(pod.spec.terminationGracePeriodSeconds),
            ContainerLabel.image: container.image ?? "",
        ]
    }
}

extension ContainerResources {
    init(_ container: Container) {
        self.init()
        let limits = container.resources?.limits ?? [:]
        let requests = container.resources?.requests ?? [:]
        memoryLimit = limits["memory"]?.value
        memoryRequest = (requests["memory"] ?? limits["memory"])?.value
        cpuLimit = limits["cpu"]?.milliValue
        cpuRequest = (requests["cpu"] ?? limits["cpu"])?.milliValue ?? 0
    }

    /// What a whole pod asks for and may use, for the cgroup that holds its containers: what it says itself; else a limit is set where every container
    /// has one.
    /// - Parameter processLimit: of each pod on this node; nil: none.
    init(of pod: PodSpec, processLimit: Int64? = nil) {
        self.init()
        self.processLimit = processLimit
        cpuRequest = pod.most { max(0, ($0.requests["cpu"] ?? $0.limits["cpu"])?.milliValue ?? 0) }
        memoryRequest = pod.most { max(0, ($0.requests["memory"] ?? $0.limits["memory"])?.value ?? 0) }
        let all = (pod.containers + pod.initContainers).map { $0.resources?.limits ?? [:] }
        if all.allSatisfy({ $0["cpu"] != nil }) { cpuLimit = pod.most { max(0, $0.limits["cpu"]?.milliValue ?? 0) } }
        if all.allSatisfy({ $0["memory"] != nil }) {
            memoryLimit = pod.most { max(0, $0.limits["memory"]?.value ?? 0) }
        }
        guard let own = pod.resources else { return }
        if let limit = own.limits["cpu"] { cpuLimit = limit.milliValue }
        if let limit = own.limits["memory"] { memoryLimit = limit.value }
        if let request = own.requests["cpu"] ?? own.limits["cpu"] { cpuRequest = request.milliValue }
        if let request = own.requests["memory"] ?? own.limits["memory"] { memoryRequest = request.value }
    }

    /// The kubelet's OOM score: Guaranteed -997, BestEffort 1000, Burstable 1000 less a thousandth per thousandth of the node's memory asked for,
    /// within 2...999.
    /// - Parameter share: bytes that the pod asks for beyond its containers, by container.
    func oomScore(_ quality: PodServiceClass, nodeMemory: Int64, share: Int64 = 0) -> Int32 {
        switch quality {
        case .guaranteed: return -997
        case .bestEffort: return 1000
        case .burstable:
            guard nodeMemory > 0 else { return 999 }
            let part = (Double(memoryRequest ?? 0) + Double(share)) / Double(nodeMemory) * 1000
            return Int32(min(999, max(2, 1000 - part)))
        }
    }
}

extension PodSpec {
    /// What the pod asks for as a whole beyond its containers' requests, in equal parts for those that run side by side; in bytes.
    var memoryShare: Int64 {
        guard let own = self.resources?.requests["memory"]?.value else { return 0 }
        let rest = own - (containerRequests["memory"]?.value ?? 0)
        return max(0, rest) / Int64(max(1, self.containers.count + self.initContainers.count(where: \.isSidecar)))
    }
}

extension PodSpec {
    /// The most that its containers have of something at one time: all regular ones and sidecars together, or one init container beside the
    /// sidecars before it. Held at the largest number.
    fileprivate func most(_ amount: (ResourceRequirements) -> Int64) -> Int64 {
        func of(_ container: Container) -> Int64 { container.resources.map(amount) ?? 0 }
        func sum(_ left: Int64, _ right: Int64) -> Int64 {
            let (total, overflow) = left.addingReportingOverflow(right)
            return overflow ? .max : total
        }
        var (sidecars, most) = (Int64(0), Int64(0))
        for container in self.initContainers {
            most = max(most, sum(sidecars, of(container)))
            if container.isSidecar { sidecars = sum(sidecars, of(container)) }
        }
        return max(most, self.containers.map(of).reduce(sidecars, sum))
    }
}

extension ContainerSecurity {
    /// The container's own settings over the pod's.
    init(_ container: SecurityContext?, pod: PodSecurityContext?) {
        self.init()
        isPrivileged = container?.privileged ?? false
        addCapabilities = container?.capabilities?.add ?? []
        dropCapabilities = container?.capabilities?.drop ?? []
        user = container?.runAsUser ?? pod?.runAsUser
        group = container?.runAsGroup ?? pod?.runAsGroup
        supplementalGroups = (pod?.supplementalGroups ?? []) + (pod?.fsGroup.map { [$0] } ?? [])
        hasReadOnlyRoot = container?.readOnlyRootFilesystem ?? false
        noNewPrivileges = container?.allowPrivilegeEscalation == false
        mustRunAsNonRoot = container?.runAsNonRoot ?? pod?.runAsNonRoot ?? false
        isProcUnmasked = container?.procMount == "Unmasked"
        selinux = (container?.seLinuxOptions ?? pod?.seLinuxOptions).flatMap(CRI.SELinuxOptions.init)
        if let profile = container?.seccompProfile ?? pod?.seccompProfile { seccomp = Seccomp(profile) }
    }
}

extension CRI.SELinuxOptions {
    init?(_ options: KubernetesAPI.SELinuxOptions) {
        self.init(
            user: options.user ?? "", role: options.role ?? "", type: options.type ?? "", level: options.level ?? "")
    }
}

extension ContainerSecurity.AppArmor {
    init(_ profile: AppArmorProfile) {
        self =
            switch profile.type {
            case "Unconfined": .unconfined
            case "Localhost": .localhost(profile.localhostProfile ?? "")
            default: .runtimeDefault
            }
    }
}

extension ContainerSecurity.Seccomp {
    init(_ profile: SeccompProfile) {
        self =
            switch profile.type {
            case "Unconfined": .unconfined
            case "Localhost": .localhost(path: profile.localhostProfile ?? "")
            default: .runtimeDefault
            }
    }
}
