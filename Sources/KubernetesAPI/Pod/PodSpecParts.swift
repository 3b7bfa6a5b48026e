import APIMachinery
import JSONTree

/// The operating system of a pod's containers.
package struct PodOS: APIValue {
    package final class Fields: FieldSet {
        package let name = Total<String>(
            "name", "Name of the operating system.", .required, .oneOf(["linux", "windows"]))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A condition that takes part in a pod's readiness.
package struct PodReadinessGate: APIValue {
    package final class Fields: FieldSet {
        package let conditionType = Total<String>(
            "conditionType", "Type of a condition in the pod's status.", .required, .format(.qualifiedName))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// One reason to hold a pod back from scheduling.
package struct PodSchedulingGate: APIValue {
    package final class Fields: FieldSet {
        package let name = Total<String>("name", "Name of the gate.", .required, .format(.qualifiedName))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// The group that a pod is scheduled with.
package struct PodSchedulingGroup: APIValue {
    package final class Fields: FieldSet {
        package let podGroupName = Key<String>(
            "podGroupName", "Name of the PodGroup in the pod's namespace.", .format(.dnsSubdomain))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A claim on devices, made by name or from a template.
package struct PodResourceClaim: APIValue {
    package final class Fields: FieldSet {
        package let name = Total<String>("name", "Name that containers refer to.", .required, .format(.dnsLabel))
        package let resourceClaimName = Key<String>(
            "resourceClaimName", "An existing claim of the namespace.")
        package let resourceClaimTemplateName = Key<String>(
            "resourceClaimTemplateName", "The template that a claim is made from for this pod.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A line of the hosts file.
package struct HostAlias: APIValue {
    package final class Fields: FieldSet {
        package let ip = Total<String>("ip", "Address.", .required, .format(.ip))
        package let hostnames = Total<[String]>("hostnames", "Names of the address.", .atomic)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Resolver settings of a pod.
package struct PodDNSConfig: APIValue {
    package final class Fields: FieldSet {
        package let nameservers = Total<[String]>(
            "nameservers", "Addresses of name servers, added to those of the policy.", .atomic)
        package let options = Total<[PodDNSConfigOption]>(
            "options", "Resolver options, added to those of the policy.", .atomic)
        package let searches = Total<[String]>(
            "searches", "Search domains, added to those of the policy.", .atomic)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A resolver option.
package struct PodDNSConfigOption: APIValue {
    package final class Fields: FieldSet {
        package let name = Key<String>("name", "Name of the option.")
        package let value = Key<String>("value", "Value, for options that have one.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A taint, or kind of taint, that a pod puts up with.
package struct Toleration: APIValue {
    package final class Fields: FieldSet {
        package let effect = Key<String>(
            "effect", "The effect tolerated; absent: every effect.",
            .oneOf(["NoSchedule", "PreferNoSchedule", "NoExecute"]))
        package let key = Key<String>("key", "The taint's key; absent with operator Exists: every key.")
        package let `operator` = Key<String>(
            "operator", "How value is compared; Equal where absent.", .oneOf(["Exists", "Equal", "Lt", "Gt"]))
        package let tolerationSeconds = Key<Int64>(
            "tolerationSeconds", "Seconds that the pod stays on a node after a NoExecute taint came; absent: for ever.")
        package let value = Key<String>("value", "The taint's value, for operator Equal.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// How far the numbers of matching pods in the domains of a topology may be apart.
package struct TopologySpreadConstraint: APIValue {
    package final class Fields: FieldSet {
        package let labelSelector = Key<LabelSelector>("labelSelector", "The pods that are counted.", .atomic)
        package let matchLabelKeys = Total<[String]>(
            "matchLabelKeys", "Labels of this pod whose values select the pods counted too.", .atomic)
        package let maxSkew = Total<Int32>(
            "maxSkew", "Greatest difference between the pods of a domain and those of the emptiest one.", .required)
        package let minDomains = Key<Int32>(
            "minDomains", "With fewer domains than this, the emptiest one counts as having no pod.")
        package let nodeAffinityPolicy = Key<String>(
            "nodeAffinityPolicy",
            "Whether nodes that node affinity and selector exclude count; Honor leaves them out, the default.",
            .oneOf(["Honor", "Ignore"]))
        package let nodeTaintsPolicy = Key<String>(
            "nodeTaintsPolicy",
            "Whether nodes with taints that are not tolerated count; Ignore counts them, the default.",
            .oneOf(["Honor", "Ignore"]))
        package let topologyKey = Total<String>(
            "topologyKey", "Node label whose values are the domains.", .required, .format(.qualifiedName))
        package let whenUnsatisfiable = Total<String>(
            "whenUnsatisfiable", "DoNotSchedule holds the pod back, ScheduleAnyway only prefers better nodes.",
            .required, .oneOf(["DoNotSchedule", "ScheduleAnyway"]))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
