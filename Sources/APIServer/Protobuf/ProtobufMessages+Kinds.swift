extension ProtobufMessages {
    /// The stored kinds, but for pods.
    static let stored = """
        ConfigMap 1 metadata:ObjectMeta 2 data:{string} 3 binaryData:{bytes} 4 immutable:bool?
        Secret 1 metadata:ObjectMeta 2 data:{bytes} 3 type 4 stringData:{string} 5 immutable:bool?
        ServiceAccount 1 metadata:ObjectMeta 2 secrets:[ObjectReference] 3 imagePullSecrets:[LocalObjectReference] \
        4 automountServiceAccountToken:bool?
        LocalObjectReference 1 name
        ObjectReference 1 kind 2 namespace 3 name 4 uid 5 apiVersion 6 resourceVersion 7 fieldPath
        TypedLocalObjectReference 1 apiGroup? 2 kind 3 name
        TypedObjectReference 1 apiGroup? 2 kind 3 name 4 namespace?
        Namespace 1 metadata:ObjectMeta 2 spec:NamespaceSpec 3 status:NamespaceStatus
        NamespaceSpec 1 finalizers:[string]
        NamespaceStatus 1 phase 2 conditions:[NamespaceCondition]
        NamespaceCondition 1 type 2 status 4 lastTransitionTime:Time 5 reason 6 message
        Node 1 metadata:ObjectMeta 2 spec:NodeSpec 3 status:NodeStatus
        NodeSpec 1 podCIDR 2 externalID 3 providerID 4 unschedulable:bool 5 taints:[Taint] 6 configSource:NodeConfigSource 7 podCIDRs:[string]
        Taint 1 key 2 value 3 effect 4 timeAdded:Time
        NodeStatus 1 capacity:{Quantity} 2 allocatable:{Quantity} 3 phase 4 conditions:[NodeCondition] 5 addresses:[NodeAddress] \
        6 daemonEndpoints:NodeDaemonEndpoints 7 nodeInfo:NodeSystemInfo 8 images:[ContainerImage] 9 volumesInUse:[string] \
        10 volumesAttached:[AttachedVolume] 11 config:NodeConfigStatus 12 runtimeHandlers:[NodeRuntimeHandler] 13 features:NodeFeatures \
        14 declaredFeatures:[string]
        NodeCondition 1 type 2 status 3 lastHeartbeatTime:Time 4 lastTransitionTime:Time 5 reason 6 message
        NodeAddress 1 type 2 address
        NodeDaemonEndpoints 1 kubeletEndpoint:DaemonEndpoint
        DaemonEndpoint 1 Port:int
        NodeSystemInfo 1 machineID 2 systemUUID 3 bootID 4 kernelVersion 5 osImage 6 containerRuntimeVersion 7 kubeletVersion 8 kubeProxyVersion \
        9 operatingSystem 10 architecture 11 swap:NodeSwapStatus
        NodeSwapStatus 1 capacity:int?
        ContainerImage 1 names:[string] 2 sizeBytes:int
        AttachedVolume 1 name 2 devicePath
        NodeConfigStatus 1 assigned:NodeConfigSource 2 active:NodeConfigSource 3 lastKnownGood:NodeConfigSource 4 error
        NodeConfigSource 2 configMap:ConfigMapNodeConfigSource
        ConfigMapNodeConfigSource 1 namespace 2 name 3 uid 4 resourceVersion 5 kubeletConfigKey
        NodeRuntimeHandler 1 name 2 features:NodeRuntimeHandlerFeatures
        NodeRuntimeHandlerFeatures 1 recursiveReadOnlyMounts:bool? 2 userNamespaces:bool?
        NodeFeatures 1 supplementalGroupsPolicy:bool?
        Event 1 metadata:ObjectMeta 2 involvedObject:ObjectReference 3 reason 4 message 5 source:EventSource 6 firstTimestamp:Time \
        7 lastTimestamp:Time 8 count:int 9 type 10 eventTime:MicroTime 11 series:EventSeries 12 action 13 related:ObjectReference \
        14 reportingComponent 15 reportingInstance
        ReportedEvent 1 metadata:ObjectMeta 2 eventTime:MicroTime 3 series:EventSeries 4 reportingController 5 reportingInstance 6 action \
        7 reason 8 regarding:ObjectReference 9 related:ObjectReference 10 note 11 type 12 deprecatedSource:EventSource \
        13 deprecatedFirstTimestamp:Time 14 deprecatedLastTimestamp:Time 15 deprecatedCount:int
        EventSource 1 component 2 host
        EventSeries 1 count:int 2 lastObservedTime:MicroTime
        Lease 1 metadata:ObjectMeta 2 spec:LeaseSpec
        LeaseSpec 1 holderIdentity? 2 leaseDurationSeconds:int? 3 acquireTime:MicroTime 4 renewTime:MicroTime 5 leaseTransitions:int? 6 strategy? \
        7 preferredHolder?
        Service 1 metadata:ObjectMeta 2 spec:ServiceSpec 3 status:ServiceStatus
        ServiceSpec 1 ports:[ServicePort] 2 selector:{string} 3 clusterIP 4 type 5 externalIPs:[string] 7 sessionAffinity 8 loadBalancerIP \
        9 loadBalancerSourceRanges:[string] 10 externalName 11 externalTrafficPolicy 12 healthCheckNodePort:int 13 publishNotReadyAddresses:bool \
        14 sessionAffinityConfig:SessionAffinityConfig 17 ipFamilyPolicy? 18 clusterIPs:[string] 19 ipFamilies:[string] \
        20 allocateLoadBalancerNodePorts:bool? 21 loadBalancerClass? 22 internalTrafficPolicy? 23 trafficDistribution?
        ServicePort 1 name 2 protocol 3 port:int 4 targetPort:IntOrString 5 nodePort:int 6 appProtocol?
        SessionAffinityConfig 1 clientIP:ClientIPConfig
        ClientIPConfig 1 timeoutSeconds:int?
        ServiceStatus 1 loadBalancer:LoadBalancerStatus 2 conditions:[Condition]
        LoadBalancerStatus 1 ingress:[LoadBalancerIngress]
        LoadBalancerIngress 1 ip 2 hostname 3 ipMode? 4 ports:[PortStatus]
        PortStatus 1 port:int 2 protocol 3 error?
        Endpoints 1 metadata:ObjectMeta 2 subsets:[EndpointSubset]
        EndpointSubset 1 addresses:[EndpointAddress] 2 notReadyAddresses:[EndpointAddress] 3 ports:[EndpointSubsetPort]
        EndpointAddress 1 ip 2 targetRef:ObjectReference 3 hostname 4 nodeName?
        EndpointSubsetPort 1 name 2 port:int 3 protocol 4 appProtocol?
        EndpointSlice 1 metadata:ObjectMeta 2 endpoints:[Endpoint] 3 ports:[EndpointPort] 4 addressType
        Endpoint 1 addresses:[string] 2 conditions:EndpointConditions 3 hostname? 4 targetRef:ObjectReference 5 deprecatedTopology:{string} \
        6 nodeName? 7 zone? 8 hints:EndpointHints
        EndpointConditions 1 ready:bool? 2 serving:bool? 3 terminating:bool?
        EndpointHints 1 forZones:[NamedHint] 2 forNodes:[NamedHint]
        NamedHint 1 name
        EndpointPort 1 name? 2 protocol? 3 port:int? 4 appProtocol?
        Deployment 1 metadata:ObjectMeta 2 spec:DeploymentSpec 3 status:DeploymentStatus
        DeploymentSpec 1 replicas:int? 2 selector:LabelSelector 3 template:PodTemplateSpec 4 strategy:DeploymentStrategy 5 minReadySeconds:int \
        6 revisionHistoryLimit:int? 7 paused:bool 9 progressDeadlineSeconds:int?
        DeploymentStrategy 1 type 2 rollingUpdate:RollingUpdateDeployment
        RollingUpdateDeployment 1 maxUnavailable:IntOrString? 2 maxSurge:IntOrString?
        DeploymentStatus 1 observedGeneration:int 2 replicas:int 3 updatedReplicas:int 4 availableReplicas:int 5 unavailableReplicas:int \
        6 conditions:[DeploymentCondition] 7 readyReplicas:int 8 collisionCount:int? 9 terminatingReplicas:int?
        DeploymentCondition 1 type 2 status 4 reason 5 message 6 lastUpdateTime:Time 7 lastTransitionTime:Time
        ReplicaSet 1 metadata:ObjectMeta 2 spec:ReplicaSetSpec 3 status:ReplicaSetStatus
        ReplicaSetSpec 1 replicas:int? 2 selector:LabelSelector 3 template:PodTemplateSpec 4 minReadySeconds:int
        ReplicaSetStatus 1 replicas:int? 2 fullyLabeledReplicas:int 3 observedGeneration:int 4 readyReplicas:int 5 availableReplicas:int \
        6 conditions:[ReplicaSetCondition] 7 terminatingReplicas:int?
        ReplicaSetCondition 1 type 2 status 3 lastTransitionTime:Time 4 reason 5 message
        ControllerRevision 1 metadata:ObjectMeta 2 data:json 3 revision:int?
        """
}
