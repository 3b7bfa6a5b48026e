/// The protobuf form of the messages that kubectl's typed clients send (`kubectl create configmap`, `auth whoami`, `drain`): field numbers as in
/// the generated.proto files of k8s.io/api. Everything else is sent as JSON. A message that carries a field which is not here is refused, never cut.
///
/// One message a line: its name, then `number name:type` for each field. `[type]` repeats, `{type}` is a map from text, a trailing `?` marks a field
/// whose zero says something (the rest are left out where they are zero, as in JSON).
enum ProtobufMessages {
    indirect enum FieldType: Sendable {
        case string, bool, integer, bytes, time, intOrString, quantity
        case message(String)
        case list(FieldType)
        case map(FieldType)
    }

    struct Field: Sendable {
        let name: String
        let type: FieldType
        let keepsZero: Bool
    }

    static let all: [String: [Int: Field]] = {
        var all: [String: [Int: Field]] = [:]
        for line in text.split(separator: "\n") {
            var words = line.split(separator: " ").map(String.init)[...]
            guard let name = words.popFirst() else { continue }
            var fields: [Int: Field] = [:]
            while let number = words.popFirst().flatMap({ Int($0) }), let field = words.popFirst() {
                fields[number] = Self.field(field)
            }
            all[name] = fields
        }
        return all
    }()

    /// By kind: the message that a body of that kind holds.
    static let kinds: Set<String> = [
        "Binding", "ConfigMap", "DeleteOptions", "Deployment", "Eviction", "Namespace", "Secret",
        "SelfSubjectAccessReview",
        "SelfSubjectReview", "SelfSubjectRulesReview", "Service", "ServiceAccount", "TokenRequest",
    ]

    private static func field(_ text: String) -> Field {
        let keepsZero = text.hasSuffix("?")
        let parts = (keepsZero ? String(text.dropLast()) : text).split(separator: ":", maxSplits: 1).map(String.init)
        return Field(name: parts[0], type: type(parts.count > 1 ? parts[1] : "string"), keepsZero: keepsZero)
    }

    private static func type(_ text: String) -> FieldType {
        if text.hasPrefix("[") { return .list(type(String(text.dropFirst().dropLast()))) }
        if text.hasPrefix("{") { return .map(type(String(text.dropFirst().dropLast()))) }
        return switch text {
        case "string": .string
        case "bool": .bool
        case "int": .integer
        case "bytes": .bytes
        case "Time": .time
        case "IntOrString": .intOrString
        case "Quantity": .quantity
        default: .message(text)
        }
    }

    private static let text = """
        ObjectMeta 1 name 2 generateName 3 namespace 4 selfLink 5 uid 6 resourceVersion 7 generation:int 8 creationTimestamp:Time \
        9 deletionTimestamp:Time 10 deletionGracePeriodSeconds:int? 11 labels:{string} 12 annotations:{string} \
        13 ownerReferences:[OwnerReference] 14 finalizers:[string]
        OwnerReference 1 kind 3 name 4 uid 5 apiVersion 6 controller:bool? 7 blockOwnerDeletion:bool?
        ConfigMap 1 metadata:ObjectMeta 2 data:{string} 3 binaryData:{bytes} 4 immutable:bool?
        Secret 1 metadata:ObjectMeta 2 data:{bytes} 3 type 4 stringData:{string} 5 immutable:bool?
        Namespace 1 metadata:ObjectMeta 2 spec:NamespaceSpec 3 status:NamespaceStatus
        NamespaceSpec 1 finalizers:[string]
        NamespaceStatus 1 phase
        ServiceAccount 1 metadata:ObjectMeta 2 secrets:[ObjectReference] 3 imagePullSecrets:[LocalObjectReference] \
        4 automountServiceAccountToken:bool?
        LocalObjectReference 1 name
        ObjectReference 1 kind 2 namespace 3 name 4 uid 5 apiVersion 6 resourceVersion 7 fieldPath
        Binding 1 metadata:ObjectMeta 2 target:ObjectReference
        Eviction 1 metadata:ObjectMeta 2 deleteOptions:DeleteOptions
        DeleteOptions 1 gracePeriodSeconds:int? 2 preconditions:Preconditions 3 orphanDependents:bool? 4 propagationPolicy 5 dryRun:[string]
        Preconditions 1 uid 2 resourceVersion
        SelfSubjectReview 1 metadata:ObjectMeta 2 status:SelfSubjectReviewStatus
        SelfSubjectReviewStatus 1 userInfo:UserInfo
        UserInfo 1 username 2 uid 3 groups:[string]
        SelfSubjectAccessReview 1 metadata:ObjectMeta 2 spec:SelfSubjectAccessReviewSpec 3 status:SubjectAccessReviewStatus
        SelfSubjectAccessReviewSpec 1 resourceAttributes:ResourceAttributes? 2 nonResourceAttributes:NonResourceAttributes?
        SelfSubjectRulesReview 1 metadata:ObjectMeta 2 spec:SelfSubjectRulesReviewSpec 3 status:SubjectRulesReviewStatus
        SelfSubjectRulesReviewSpec 1 namespace
        SubjectRulesReviewStatus 3 incomplete:bool 4 evaluationError
        ResourceAttributes 1 namespace 2 verb 3 group 4 version 5 resource 6 subresource 7 name
        NonResourceAttributes 1 path 2 verb
        SubjectAccessReviewStatus 1 allowed:bool 2 reason 3 evaluationError 4 denied:bool
        TokenRequest 1 metadata:ObjectMeta 2 spec:TokenRequestSpec 3 status:TokenRequestStatus
        TokenRequestSpec 1 audiences:[string] 3 boundObjectRef:BoundObjectReference 4 expirationSeconds:int?
        BoundObjectReference 1 kind 2 apiVersion 3 name 4 uid
        TokenRequestStatus 1 token 2 expirationTimestamp:Time
        Service 1 metadata:ObjectMeta 2 spec:ServiceSpec 3 status:ServiceStatus
        ServiceSpec 1 ports:[ServicePort] 2 selector:{string} 3 clusterIP 4 type 5 externalIPs:[string] 7 sessionAffinity 8 loadBalancerIP \
        9 loadBalancerSourceRanges:[string] 10 externalName 11 externalTrafficPolicy 12 healthCheckNodePort:int \
        13 publishNotReadyAddresses:bool 17 ipFamilyPolicy 18 clusterIPs:[string] 19 ipFamilies:[string] \
        20 allocateLoadBalancerNodePorts:bool? 21 loadBalancerClass 22 internalTrafficPolicy 23 trafficDistribution
        ServicePort 1 name 2 protocol 3 port:int 4 targetPort:IntOrString 5 nodePort:int 6 appProtocol
        ServiceStatus 1 loadBalancer:LoadBalancerStatus
        LoadBalancerStatus
        Deployment 1 metadata:ObjectMeta 2 spec:DeploymentSpec 3 status:DeploymentStatus
        DeploymentSpec 1 replicas:int? 2 selector:LabelSelector? 3 template:PodTemplateSpec 4 strategy:DeploymentStrategy 5 minReadySeconds:int \
        6 revisionHistoryLimit:int? 7 paused:bool 9 progressDeadlineSeconds:int?
        DeploymentStrategy 1 type 2 rollingUpdate:RollingUpdateDeployment
        RollingUpdateDeployment 1 maxUnavailable:IntOrString? 2 maxSurge:IntOrString?
        DeploymentStatus 1 observedGeneration:int 2 replicas:int 3 updatedReplicas:int 4 availableReplicas:int 5 unavailableReplicas:int \
        7 readyReplicas:int
        LabelSelector 1 matchLabels:{string} 2 matchExpressions:[LabelSelectorRequirement]
        LabelSelectorRequirement 1 key 2 operator 3 values:[string]
        PodTemplateSpec 1 metadata:ObjectMeta 2 spec:PodSpec
        PodSpec 2 containers:[Container] 3 restartPolicy 4 terminationGracePeriodSeconds:int? 5 activeDeadlineSeconds:int? 6 dnsPolicy \
        7 nodeSelector:{string} 8 serviceAccountName 9 serviceAccount 10 nodeName 11 hostNetwork:bool 12 hostPID:bool 13 hostIPC:bool \
        15 imagePullSecrets:[LocalObjectReference] 16 hostname 17 subdomain 19 schedulerName 20 initContainers:[Container] \
        21 automountServiceAccountToken:bool? 24 priorityClassName 25 priority:int? 29 runtimeClassName
        Container 1 name 2 image 3 command:[string] 4 args:[string] 5 workingDir 6 ports:[ContainerPort] 7 env:[EnvVar] \
        8 resources:ResourceRequirements 13 terminationMessagePath 14 imagePullPolicy 16 stdin:bool 17 stdinOnce:bool 18 tty:bool \
        20 terminationMessagePolicy 24 restartPolicy
        ContainerPort 1 name 2 hostPort:int 3 containerPort:int 4 protocol 5 hostIP
        EnvVar 1 name 2 value
        ResourceRequirements 1 limits:{Quantity} 2 requests:{Quantity}
        """
}
