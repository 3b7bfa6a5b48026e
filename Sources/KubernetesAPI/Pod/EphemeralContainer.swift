import APIMachinery
import JSONTree

/// A container added to a running pod to look into it: never restarted, without ports, probes or guaranteed resources.
package struct EphemeralContainer: APIValue {
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
        package let lifecycle = Key<Lifecycle>("lifecycle", "Not allowed here.")
        package let livenessProbe = Key<Probe>("livenessProbe", "Not allowed here.")
        package let name = Total<String>(
            "name", "Name of the container, unique among all of the pod.", .required, .format(.dnsLabel))
        package let ports = Total<[ContainerPort]>(
            "ports", "Not allowed here.", .listMap(["containerPort", "protocol"]), .mergeKey("containerPort"),
            .repeatable)
        package let readinessProbe = Key<Probe>("readinessProbe", "Not allowed here.")
        package let resizePolicy = Total<[ContainerResizePolicy]>(
            "resizePolicy", "Whether a change of resources restarts the container, by resource.", .atomic)
        package let resources = Key<ResourceRequirements>(
            "resources", "Not allowed here: the container uses what the pod has left.",
            default: ResourceRequirements())
        package let restartPolicy = Key<String>(
            "restartPolicy", "Not allowed here.", .oneOf(["Always", "OnFailure", "Never"]))
        package let restartPolicyRules = Total<[ContainerRestartRule]>(
            "restartPolicyRules", "Not allowed here.", .atomic)
        package let securityContext = Key<SecurityContext>(
            "securityContext", "Identity and security settings; they win over the pod's.")
        package let startupProbe = Key<Probe>("startupProbe", "Not allowed here.")
        package let stdin = Total<Bool>("stdin", "Keep standard input open for clients that attach.")
        package let stdinOnce = Total<Bool>("stdinOnce", "Close standard input for good when the first client leaves.")
        package let targetContainerName = Key<String>(
            "targetContainerName",
            "The container whose processes this one sees; absent: it has a process namespace of its own.")
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
            "volumeMounts", "Volumes and where they appear in the container; sub-paths are not allowed.",
            .listMap(["mountPath"]), .mergeKey("mountPath"), .repeatable)
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
