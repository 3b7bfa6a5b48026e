import APIMachinery
import JSONTree

/// What a pod should run, where and under which rules.
package struct PodSpec: APIValue {
    package final class Fields: FieldSet {
        package let activeDeadlineSeconds = Key<Int64>(
            "activeDeadlineSeconds",
            "Seconds after its start when a pod that still runs is failed and its containers are killed.", .minimum(1),
            .maximum(2_147_483_647))
        package let affinity = Key<Affinity>(
            "affinity", "Preferences and demands on the node and on the pods that are there already.")
        package let automountServiceAccountToken = Key<Bool>(
            "automountServiceAccountToken",
            "Whether containers find an API token of the service account under /var/run/secrets/kubernetes.io/serviceaccount."
        )
        package let containers = Total<[Container]>(
            "containers", "The containers of the pod; at least one, fixed after creation.", .required,
            .listMap(["name"]), .mergeKey("name"), .minItems(1))
        package let dnsConfig = Key<PodDNSConfig>(
            "dnsConfig", "Additions to the resolver settings that follow from dnsPolicy.")
        package let dnsPolicy = Total<String>(
            "dnsPolicy", "Where the resolver settings come from: the cluster's DNS, the node's, or dnsConfig alone.",
            default: "ClusterFirst", .oneOf(["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"]))
        package let enableServiceLinks = Total<Bool>(
            "enableServiceLinks", "Whether the addresses of the namespace's services appear as environment variables.",
            default: true)
        package let ephemeralContainers = Total<[EphemeralContainer]>(
            "ephemeralContainers",
            "Containers added to the running pod to look into it; they are never restarted. Set through the ephemeralcontainers subresource.",
            .listMap(["name"]), .mergeKey("name"))
        package let hostAliases = Total<[HostAlias]>(
            "hostAliases", "Lines added to the hosts file of the pod.", .listMap(["ip"]), .mergeKey("ip"), .repeatable)
        package let hostIPC = Total<Bool>("hostIPC", "The pod uses the node's IPC namespace.")
        package let hostNetwork = Total<Bool>(
            "hostNetwork", "The pod uses the node's network: its addresses, links and ports.")
        package let hostPID = Total<Bool>("hostPID", "The pod sees the node's processes.")
        package let hostUsers = Key<Bool>(
            "hostUsers", "False runs the pod in a user namespace of its own, where its root is nobody on the node.")
        package let hostname = Key<String>(
            "hostname", "Host name inside the pod; the pod's name where absent.", .format(.dnsLabel))
        package let hostnameOverride = Key<String>(
            "hostnameOverride", "Host name used as it is, in place of what hostname and subdomain would give.",
            .maxLength(64))
        package let imagePullSecrets = Total<[LocalObjectReference]>(
            "imagePullSecrets", "Secrets of this namespace that hold registry credentials for the pod's images.",
            .listMap(["name"]), .mergeKey("name"), .repeatable)
        package let initContainers = Total<[Container]>(
            "initContainers",
            "Containers that run one after another, each to success, before the others start. One with restartPolicy Always keeps running beside them.",
            .listMap(["name"]), .mergeKey("name"))
        package let nodeName = Key<String>(
            "nodeName", "The node that runs the pod; set by the scheduler, through the binding subresource.",
            .format(.dnsSubdomain))
        package let nodeSelector = Total<[String: String]>(
            "nodeSelector", "Labels that a node must bear to be chosen.", .atomic)
        package let os = Key<PodOS>("os", "The operating system that the pod needs.")
        package let overhead = Total<[String: Quantity]>(
            "overhead", "Resources that running the pod costs beyond its containers, from its runtime class.")
        package let preemptionPolicy = Key<String>(
            "preemptionPolicy", "Whether the pod may evict pods of lower priority to find room.",
            .oneOf(["PreemptLowerPriority", "Never"]))
        package let priority = Key<Int32>("priority", "Importance as a number, filled in from the priority class.")
        package let priorityClassName = Key<String>(
            "priorityClassName", "Name of the priority class that gives the pod its importance.")
        package let readinessGates = Total<[PodReadinessGate]>(
            "readinessGates", "Conditions that must be true besides ready containers before the pod counts as ready.",
            .atomic)
        package let resourceClaims = Total<[PodResourceClaim]>(
            "resourceClaims", "Claims on devices that containers of this pod use by name.", .listMap(["name"]),
            .mergeKey("name"), .retainKeys)
        package let resources = Key<ResourceRequirements>(
            "resources", "Requests and limits for all containers of the pod together.")
        package let restartPolicy = Total<String>(
            "restartPolicy", "When containers are started again after they end.", default: "Always",
            .oneOf(["Always", "OnFailure", "Never"]))
        package let runtimeClassName = Key<String>(
            "runtimeClassName", "The runtime class that says which runtime handler runs the pod.",
            .format(.dnsSubdomain))
        package let schedulerName = Total<String>(
            "schedulerName", "The scheduler that places this pod.", default: "default-scheduler")
        package let schedulingGates = Total<[PodSchedulingGate]>(
            "schedulingGates", "Names of those who hold the pod back from scheduling; they can only be removed.",
            .listMap(["name"]), .mergeKey("name"), .repeatable)
        package let schedulingGroup = Key<PodSchedulingGroup>(
            "schedulingGroup", "The group of pods that this one is scheduled together with.", .immutable)
        package let securityContext = Total<PodSecurityContext>(
            "securityContext",
            "Identity and security settings of all containers, where a container has none of its own.",
            default: PodSecurityContext())
        package let serviceAccount = Key<String>(
            "serviceAccount", "Older name of serviceAccountName, kept equal to it.")
        package let serviceAccountName = Key<String>("serviceAccountName", "The service account that the pod acts as.")
        package let setHostnameAsFQDN = Total<Bool>(
            "setHostnameAsFQDN", "The kernel's host name is the full name with domain.")
        package let shareProcessNamespace = Total<Bool>(
            "shareProcessNamespace", "All containers see each other's processes.")
        package let subdomain = Key<String>(
            "subdomain",
            "Domain below the namespace's service domain: the pod is then HOSTNAME.SUBDOMAIN.NAMESPACE.svc.DOMAIN.",
            .format(.dnsLabel))
        package let terminationGracePeriodSeconds = Total<Int64>(
            "terminationGracePeriodSeconds", "Seconds between the stop signal and the kill.", default: 30, .minimum(0))
        package let tolerations = Total<[Toleration]>("tolerations", "Taints that the pod puts up with.", .atomic)
        package let topologySpreadConstraints = Total<[TopologySpreadConstraint]>(
            "topologySpreadConstraints", "How the pods of a kind should be spread over nodes, zones or other domains.",
            .listMap(["topologyKey", "whenUnsatisfiable"]), .mergeKey("topologyKey"), .repeatable)
        package let volumes = Total<[Volume]>(
            "volumes", "Volumes that the containers of the pod can mount.", .listMap(["name"]), .mergeKey("name"),
            .retainKeys)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
