extension KeyTable {
    /// The field names of Kubernetes 1.36 that are longer than 15 bytes, and the labels and annotations that most objects carry.
    static let common = KeyTable(
        names.utf8.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }.map { String(Substring($0)) })

    private static let names = """
        activeDeadlineSeconds additionalPrinterColumns additionalProperties admissionReviewVersions
        allocateLoadBalancerNodePorts allocatedResourceStatuses allocatedResources allocatedResourcesStatus
        allocationMultiplier allocationTimestamp allowMultipleAllocations allowPrivilegeEscalation allowVolumeExpansion
        allowedTopologies app.kubernetes.io/component app.kubernetes.io/instance app.kubernetes.io/managed-by
        app.kubernetes.io/name app.kubernetes.io/part-of app.kubernetes.io/version applyConfiguration attachmentMetadata
        auditAnnotations automountServiceAccountToken availableReplicas averageUtilization awsElasticBlockStore
        backoffLimitPerIndex batch.kubernetes.io/controller-uid batch.kubernetes.io/job-name beta.kubernetes.io/arch
        beta.kubernetes.io/os bindingConditions bindingFailureConditions blockOwnerDeletion borrowingLimitPercent
        certificateChainPath chapAuthDiscovery clusterRoleSelectors clusterTrustBundle completedIndexes
        concurrencyPolicy consumedCapacity consumesCounters containerResource containerRuntimeVersion containerStatuses
        controller-revision-hash controllerExpandSecretRef controllerPublishSecretRef conversionReviewVersions
        creationTimestamp credentialBundlePath currentCPUUtilizationPercentage currentNumberScheduled
        currentVolumeAttributesClassName declaredFeatures deletionGracePeriodSeconds deletionTimestamp
        deployment.kubernetes.io/revision deprecated.daemonset.template.generation deprecatedFirstTimestamp
        deprecatedLastTimestamp deprecatedSource deprecatedTopology deprecationWarning desiredNumberScheduled
        disruptionsAllowed distinctAttribute distinguisherMethod enableServiceLinks endpointsNamespace
        endpointslice.kubernetes.io/managed-by ephemeral-storage ephemeralContainerStatuses ephemeralContainers
        excludeResourceRules exclusiveMaximum exclusiveMinimum expirationSeconds expirationTimestamp expressionWarnings
        extendedResourceClaimStatus extendedResourceName externalTrafficPolicy failedJobsHistoryLimit failureThreshold
        fsGroupChangePolicy fullyLabeledReplicas gcePersistentDisk gmsaCredentialSpec gmsaCredentialSpecName
        gracePeriodSeconds groupPriorityMinimum healthCheckNodePort hostnameOverride
        ignoreStoreReadErrorWithClusterBreakingPotential imagePullSecrets ingressClassName initContainerStatuses
        initialDelaySeconds inlineVolumeSpec insecureSkipTLSVerify internalTrafficPolicy kubeProxyVersion
        kubectl.kubernetes.io/last-applied-configuration kubectl.kubernetes.io/restartedAt kubeletConfigKey
        kubernetes.io/arch kubernetes.io/hostname kubernetes.io/metadata.name kubernetes.io/os kubernetes.io/service-
        name labelSelectorPath lastHeartbeatTime lastObservedTime lastPhaseTransitionTime lastScheduleTime
        lastSuccessfulTime lastTransitionTime leaseDurationSeconds leaseTransitions loadBalancerClass
        loadBalancerSourceRanges localhostProfile matchConstraints matchExpressions matchLabelExpressions
        matchingPrecedence maxExpirationSeconds maxFailedIndexes maxLimitRequestRatio maximumVolumeSize
        messageExpression minCompatibilityMajor minCompatibilityMinor mismatchLabelKeys modifyVolumeStatus
        mountPropagation namespaceSelector node.kubernetes.io/instance-type nodeAffinityPolicy
        nodeAllocatableResourceClaimStatuses nodeAllocatableResourceMappings nodeAllocatableUpdatePeriodSeconds
        nodeExpandSecretRef nodePublishSecretRef nodeSelectorTerms nodeStageSecretRef nodeTaintsPolicy
        nominalConcurrencyShares nominatedNodeName nonResourceAttributes nonResourceRules notReadyAddresses
        numberMisscheduled numberUnavailable observedGeneration orphanDependents parameterNotFoundAction
        patternProperties perDeviceNodeSelection persistentVolumeClaim persistentVolumeClaimRetentionPolicy
        persistentVolumeName persistentVolumeReclaimPolicy photonPersistentDisk pod-template-generation pod-template-
        hash podFailurePolicy podManagementPolicy podReplacementPolicy preemptionPolicy
        preferredDuringSchedulingIgnoredDuringExecution preferredVersion preserveUnknownFields
        preventPodSchedulingIfMissing priorityClassName priorityLevelConfiguration progressDeadlineSeconds
        propagationPolicy protectionDomain publishNotReadyAddresses queueLengthLimit readOnlyRootFilesystem
        recursiveReadOnly recursiveReadOnlyMounts reinvocationPolicy remainingItemCount reportingComponent
        reportingController reportingInstance requiredDuringSchedulingIgnoredDuringExecution requiresRepublish
        resourceAttributes resourceClaimName resourceClaimStatuses resourceClaimTemplateName resourceFieldRef
        resourceSliceCount restartPolicyRules retryAfterSeconds revisionHistoryLimit runtimeClassName
        seLinuxChangePolicy selectableFields serverAddressByClientCIDRs serviceAccountName serviceAccountToken
        serviceAccountTokenInSecrets sessionAffinityConfig setHostnameAsFQDN shareProcessNamespace specReplicasPath
        stabilizationWindowSeconds startingDeadlineSeconds statefulset.kubernetes.io/pod-name statusReplicasPath
        storageClassName storagePolicyName storageVersionHash succeededIndexes successThreshold
        successfulJobsHistoryLimit supplementalGroups supplementalGroupsPolicy targetCPUUtilizationPercentage
        targetContainerName targetVolumeAttributesClassName terminatingReplicas terminationGracePeriodSeconds
        terminationMessagePath terminationMessagePolicy tolerationSeconds topology.kubernetes.io/region
        topology.kubernetes.io/zone topologySpreadConstraints trafficDistribution ttlSecondsAfterFinished
        unavailableReplicas uncountedTerminatedPods unhealthyPodEvictionPolicy updatedNumberScheduled validationActions
        volumeAttributes volumeAttributesClassName volumeBindingMode volumeClaimTemplate volumeClaimTemplates
        volumeLifecycleModes whenUnsatisfiable x-kubernetes-embedded-resource x-kubernetes-int-or-string x-kubernetes-
        list-map-keys x-kubernetes-list-type x-kubernetes-map-type x-kubernetes-preserve-unknown-fields x-kubernetes-
        validations
        """
}
