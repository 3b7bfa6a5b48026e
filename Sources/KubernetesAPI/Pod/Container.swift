import APIMachinery
import JSONTree

/// One program of a pod with its image, environment and limits.
package struct Container: APIValue {
    package final class Fields: FieldSet {
        package let args = Total<[String]>(
            "args", "Arguments of the command; the image's where absent. $(NAME) stands for an environment variable.",
            .atomic)
        package let command = Total<[String]>(
            "command",
            "The program and its first arguments; the image's entry point where absent. $(NAME) stands for an environment variable.",
            .atomic)
        package let env = Total<[EnvVar]>(
            "env", "Environment variables.", .listMap(["name"]), .mergeKey("name"), .repeatable)
        package let envFrom = Total<[EnvFromSource]>(
            "envFrom", "ConfigMaps and Secrets whose keys become environment variables; env wins over them.", .atomic)
        package let image = Key<String>("image", "Name of the image to run.")
        package let imagePullPolicy = Key<String>(
            "imagePullPolicy",
            "When the image is pulled. Always for the tag latest, IfNotPresent otherwise, where absent.",
            .oneOf(["Always", "IfNotPresent", "Never"]))
        package let lifecycle = Key<Lifecycle>("lifecycle", "What to do after the start and before the stop.")
        package let livenessProbe = Key<Probe>("livenessProbe", "Check that has the container restarted when it fails.")
        package let name = Total<String>(
            "name", "Name of the container, unique in the pod.", .required, .format(.dnsLabel))
        package let ports = Total<[ContainerPort]>(
            "ports", "Ports that the container listens on; for others to read and to refer to by name.",
            .listMap(["containerPort", "protocol"]), .mergeKey("containerPort"), .repeatable)
        package let readinessProbe = Key<Probe>("readinessProbe", "Check that decides whether the pod gets traffic.")
        package let resizePolicy = Total<[ContainerResizePolicy]>(
            "resizePolicy", "Whether a change of resources restarts the container, by resource.", .atomic)
        package let resources = Key<ResourceRequirements>(
            "resources", "Processor, memory and other resources asked for and at most used.",
            default: ResourceRequirements())
        package let restartPolicy = Key<String>(
            "restartPolicy",
            "In an init container, Always makes it run beside the others; elsewhere it overrides the pod's policy.",
            .oneOf(["Always", "OnFailure", "Never"]))
        package let restartPolicyRules = Total<[ContainerRestartRule]>(
            "restartPolicyRules", "Exceptions from restartPolicy by exit code; the first that matches counts.", .atomic,
            .maxItems(20))
        package let securityContext = Key<SecurityContext>(
            "securityContext", "Identity and security settings; they win over the pod's.")
        package let startupProbe = Key<Probe>(
            "startupProbe", "Check that must succeed once before the other probes begin.")
        package let stdin = Total<Bool>("stdin", "Keep standard input open for clients that attach.")
        package let stdinOnce = Total<Bool>("stdinOnce", "Close standard input for good when the first client leaves.")
        package let terminationMessagePath = Total<String>(
            "terminationMessagePath", "File in the container whose text becomes the termination message.",
            default: "/dev/termination-log")
        package let terminationMessagePolicy = Total<String>(
            "terminationMessagePolicy",
            "Whether the end of the log stands in for an empty message of a failed container.", default: "File",
            .oneOf(["File", "FallbackToLogsOnError"]))
        package let tty = Total<Bool>("tty", "Give the container a terminal; needs stdin.")
        package let volumeDevices = Total<[VolumeDevice]>(
            "volumeDevices", "Block devices that the container gets.", .listMap(["devicePath"]),
            .mergeKey("devicePath"), .repeatable)
        package let volumeMounts = Total<[VolumeMount]>(
            "volumeMounts", "Volumes and where they appear in the container.", .listMap(["mountPath"]),
            .mergeKey("mountPath"), .repeatable)
        package let workingDir = Key<String>(
            "workingDir", "Working directory of the command; the image's where absent.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A port that a container listens on.
package struct ContainerPort: APIValue {
    package final class Fields: FieldSet {
        package let containerPort = Total<Int32>(
            "containerPort", "The port in the pod.", .required, .minimum(1), .maximum(65535))
        package let hostIP = Key<String>("hostIP", "Address of the node that hostPort is bound to; absent: all.")
        package let hostPort = Key<Int32>(
            "hostPort", "Port of the node that leads to this one; equal to containerPort with hostNetwork.")
        package let name = Key<String>("name", "Name that services and probes can use.", .format(.portName))
        package let `protocol` = Total<String>(
            "protocol", "Transport protocol.", default: "TCP", .oneOf(["TCP", "UDP", "SCTP"]))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// What a change of one resource does to a running container.
package struct ContainerResizePolicy: APIValue {
    package final class Fields: FieldSet {
        package let resourceName = Total<String>(
            "resourceName", "cpu or memory.", .required, .oneOf(["cpu", "memory"]))
        package let restartPolicy = Total<String>(
            "restartPolicy", "Whether the container is restarted.", .required,
            .oneOf(["NotRequired", "RestartContainer"]))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// What to do when a container ends in a certain way.
package struct ContainerRestartRule: APIValue {
    package final class Fields: FieldSet {
        package let action = Total<String>(
            "action", "What to do.", .required, .oneOf(["Restart", "RestartAllContainers"]))
        package let exitCodes = Key<ContainerRestartRuleOnExitCodes>("exitCodes", "Exit codes that the rule is for.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A set of exit codes.
package struct ContainerRestartRuleOnExitCodes: APIValue {
    package final class Fields: FieldSet {
        package let `operator` = Total<String>(
            "operator", "Whether the code must be one of the values or none of them.", .required,
            .oneOf(["In", "NotIn"]))
        package let values = Total<[Int32]>("values", "The exit codes.", .set, .maxItems(255))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
